#pragma once
#include "engine/float_step.h"

namespace semisup::engine {

// Tensors, concatenated along the channels of images or along the last dimension.
class ConcatenationStep final : public FloatStep {
 public:
  // Negative dimensions count from the last.
  explicit ConcatenationStep(int64_t dimension) : dimension_(dimension) {}

 private:
  bool SupportsShapes(const Tensors& inputs) const override;
  Tensor RunInFloat32(Tensors inputs) const override;

  const int64_t dimension_;
};

}  // namespace semisup::engine
