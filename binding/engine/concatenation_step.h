#pragma once
#include "engine/float_step.h"

namespace semisup::engine {

class ConcatenationStep final : public FloatStep {
 public:
  explicit ConcatenationStep(const Concatenation& concatenation) : concatenation_(concatenation) {}

  std::optional<StepDescription> Describe() const override { return concatenation_; }

 private:
  bool SupportsShapes(const Tensors& inputs) const override;
  Tensor RunInFloat32(Tensors inputs) const override;

  const Concatenation concatenation_;
};

}  // namespace semisup::engine
