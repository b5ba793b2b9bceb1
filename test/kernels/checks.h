#pragma once
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "kernels/workspace.h"

// Prints a line; the program fails if the error is larger than the tolerance, or NaN.
void Report(const std::string& name, double error, double tolerance);
bool AnyFailed();

// The same values in each run of the program, in [-1, 1).
std::vector<float> RandomValues(int64_t count);
// From `low` to `high`.
int64_t RandomInteger(int64_t low, int64_t high);

// Its memory begins as NaN, in float32 and bfloat16.
class HeapWorkspace final : public semisup::kernels::Workspace {
 public:
  void* Allocate(size_t bytes) override {
    const size_t size = (bytes + 63) / 64 * 64;
    return std::memset(std::aligned_alloc(64, size), 0xFF, size);
  }
  void Free(void* memory) noexcept override { std::free(memory); }
};

// Checks the kernels of all steps but convolutions; see steps.cc.
void CheckSteps();
void CheckConcatenation();

// Checks the kernels of searches, also the portable ones; see search.cc.
void CheckSearch();

// Checks the kernels of int8 and bfloat16 convolutions; see dot_kernels.cc.
void CheckDotKernels();

// Checks the threads of parallel regions; see threads.cc. Sets their number to 2.
void CheckThreads();
