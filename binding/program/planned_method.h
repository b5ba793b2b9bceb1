#pragma once
#include <ATen/core/Tensor.h>

#include <vector>

#include "engine/network.h"

namespace semisup {

using engine::OutputSelection;

// A method that a plan executes instead of TorchScript's interpreter. Thread-safe: calls may
// overlap.
class PlannedMethod {
 public:
  virtual ~PlannedMethod() = default;
  // Whether the plan supports this input. The interpreter runs all others.
  virtual bool Accepts(const at::Tensor& input) const = 0;
  // Maps a batch of images to the selected outputs, float32 with a row for each image, as the
  // method does.
  virtual std::vector<at::Tensor> Run(const at::Tensor& input, const OutputSelection& selected) = 0;
  // The equivalent input for the method itself, which may expect normalized floats while the plan
  // accepts pixels.
  virtual at::Tensor ToInterpreterInput(const at::Tensor& input) const { return input; }
  // The batch size of the highest throughput; 0 if batching does not help.
  virtual int64_t preferred_batch_size() const { return 0; }
  // The largest accepted error of an output, relative to the largest magnitude in the method's
  // own output.
  virtual double tolerance() const = 0;
};

}  // namespace semisup
