#pragma once
#include <algorithm>
#include <utility>

#include "engine/convert.h"
#include "engine/step.h"

namespace semisup::engine {

// A step whose kernels compute in float32. Bytes are dequantized.
class FloatStep : public KernelStep {
 public:
  bool Supports(const Tensors& inputs) const final {
    const auto is_supported = [](const Tensor& input) { return input.dtype() != DType::kBFloat16; };
    return std::all_of(inputs.begin(), inputs.end(), is_supported) && SupportsShapes(inputs);
  }
  Tensor Run(Tensors inputs) const final {
    for (auto& input : inputs) input = ToFloat32(std::exchange(input, {}));
    return RunInFloat32(std::move(inputs));
  }

 protected:
  // A tensor for the output of an elementwise kernel: its input, if that may be overwritten.
  static Tensor OutputLike(const Tensor& input) {
    return input.IsExclusive() ? input : Tensor::EmptyLike(input);
  }

 private:
  virtual bool SupportsShapes(const Tensors&) const { return true; }
  virtual Tensor RunInFloat32(Tensors inputs) const = 0;
};

}  // namespace semisup::engine
