#pragma once
#include <ATen/core/Tensor.h>

namespace semisup {

// A method that runs by a plan instead of TorchScript's interpreter. Any number of threads may run
// it at a time.
class PlannedMethod {
 public:
  virtual ~PlannedMethod() = default;
  // Whether it is for such an input; all else goes TorchScript's own way.
  virtual bool Takes(const at::Tensor& input) const = 0;
  // As the method: one batch of images in, float32 rows out.
  virtual at::Tensor Run(const at::Tensor& input) = 0;
  // What the method itself takes in place of an input.
  virtual at::Tensor ForTorchScript(const at::Tensor& input) const { return input; }
  // How many images it does together at best; 0 if it does not.
  virtual int64_t round() const { return 0; }
  // By how much of the largest number its output may differ from the method's.
  virtual double tolerance() const = 0;
};

}  // namespace semisup
