#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "engine/descriptions.h"

namespace semisup::engine {

// A step, and the indices of the values that it reads and writes.
struct DescribedStep {
  std::vector<int64_t> inputs;
  int64_t output = 0;
  StepDescription step;
};

// A network as data.
struct NetworkDescription {
  // The method of the model that it computes.
  std::string method;
  // What its weights are packed for, e.g. "avx2".
  std::string instruction_set;
  // E.g. "float32".
  std::string precision;
  std::vector<DescribedStep> steps;
  // The number of values, and the indices of those of the network.
  int64_t values = 0;
  int64_t input = 0;
  std::vector<int64_t> outputs;
  // Whether the method returns a list or a tuple of its outputs, not one tensor.
  bool returns_sequence = false;
  // Images per sub-batch; 0 if batches run fastest one image at a time.
  int64_t sub_batch = 1;
};

// What weights of a precision are packed for on this processor: the float32 kernels of some
// instruction sets are the same.
std::string PackedFor(const std::string& precision);
// Whether the kernels in use read the weights.
bool FitsProcessor(const NetworkDescription& network);
// Throws std::invalid_argument, with a sentence that says which property of which step is wrong,
// unless kernels can compute the network without reading or writing outside of its tensors.
void CheckDescription(const NetworkDescription& network);

}  // namespace semisup::engine
