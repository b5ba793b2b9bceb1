#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "kernels/workspace.h"

using namespace semisup::kernels;

inline bool failed = false;

inline void Report(const std::string& name, double error, double tolerance) {
  const bool is_close = error <= tolerance;  // False for NaN.
  std::printf("%s %s: %.1e\n", is_close ? "ok" : "WRONG", name.c_str(), error);
  if (!is_close) failed = true;
}

inline std::vector<float> RandomValues(int64_t count) {
  static std::mt19937 generator(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(static_cast<size_t>(count));
  for (auto& value : values) value = uniform(generator);
  return values;
}

class HeapWorkspace final : public Workspace {
 public:
  void* Allocate(size_t bytes) override { return std::aligned_alloc(64, (bytes + 63) / 64 * 64); }
  void Free(void* memory) noexcept override { std::free(memory); }
};

// dot_kernels.cc.
void CheckDotKernels();
