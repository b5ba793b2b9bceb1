#include "plan/make_kernel_step.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <utility>

#include "kernels/elementwise/affine.h"
#include "kernels/elementwise/concatenation.h"
#include "kernels/normalization/layer_norm.h"
#include "kernels/simd_kernels.h"
#include "plan/binary_step.h"
#include "plan/layout.h"
#include "plan/pooling.h"

namespace semisup::plan {
namespace {

// A tensor for the output of an elementwise kernel: its input, if that may be overwritten.
at::Tensor OutputLike(const at::Tensor& input) {
  return IsExclusive(input) ? input : at::empty_like(input);
}

class ActivationStep final : public KernelStep {
 public:
  explicit ActivationStep(const kernels::Activation& activation) : activation_(activation) {}

  bool Supports(const Tensors&) const override { return true; }
  at::Tensor Run(Tensors inputs) const override {
    const auto input = Dense(std::exchange(inputs[0], {}));
    auto output = OutputLike(input);
    kernels::RunActivation(activation_, input.const_data_ptr<float>(), input.numel(),
                           output.data_ptr<float>());
    return output;
  }

 private:
  const kernels::Activation activation_;
};

class AffineStep final : public KernelStep {
 public:
  explicit AffineStep(program::AffineSpec spec) : spec_(std::move(spec)) {}

  bool Supports(const Tensors& inputs) const override {
    return inputs[0].size(1) == spec_.scale.size(0);
  }
  at::Tensor Run(Tensors inputs) const override {
    const auto input = DenseImages(std::exchange(inputs[0], {}));
    auto output = OutputLike(input);
    const int64_t channels = input.size(1);
    kernels::RunAffine({.input = input.const_data_ptr<float>(),
                        .scale = spec_.scale.const_data_ptr<float>(),
                        .shift = spec_.shift.const_data_ptr<float>(),
                        .output = output.data_ptr<float>(),
                        .rows = input.numel() / channels,
                        .columns = channels,
                        .activation = activation_});
    return output;
  }
  bool FuseActivation(const kernels::Activation& activation) override {
    if (activation_.kind != kernels::ActivationKind::kNone) return false;
    activation_ = activation;
    return true;
  }

 private:
  const program::AffineSpec spec_;
  kernels::Activation activation_;
};

class LayerNormStep final : public KernelStep {
 public:
  explicit LayerNormStep(program::LayerNormSpec spec) : spec_(std::move(spec)) {}

  bool Supports(const Tensors& inputs) const override {
    return inputs[0].size(-1) == spec_.columns;
  }
  at::Tensor Run(Tensors inputs) const override {
    const auto input = std::exchange(inputs[0], {}).contiguous();
    auto output = OutputLike(input);
    const auto data = [](const at::Tensor& tensor) {
      return tensor.defined() ? tensor.const_data_ptr<float>() : nullptr;
    };
    kernels::RunLayerNorm({.input = data(input),
                           .weight = data(spec_.weight),
                           .bias = data(spec_.bias),
                           .output = output.data_ptr<float>(),
                           .rows = input.numel() / spec_.columns,
                           .columns = spec_.columns,
                           .epsilon = static_cast<float>(spec_.epsilon)});
    return output;
  }

 private:
  const program::LayerNormSpec spec_;
};

class AveragePoolStep final : public KernelStep {
 public:
  explicit AveragePoolStep(const kernels::AveragePool& pool) : pool_(pool) {}

  bool Supports(const Tensors&) const override { return true; }
  at::Tensor Run(Tensors inputs) const override { return RunAveragePool(inputs[0], pool_); }

 private:
  const kernels::AveragePool pool_;
};

// Along the channels of images; the operator concatenates other tensors.
class ConcatenationStep final : public KernelStep {
 public:
  explicit ConcatenationStep(const program::Concatenation& concatenation)
      : concatenation_(concatenation) {}

  bool Supports(const Tensors& inputs) const override {
    const auto& first = inputs[0];
    if (first.dim() != 4 || (concatenation_.dimension + 4) % 4 != 1) return false;
    for (const auto& input : inputs) {
      const bool is_same_size = input.size(0) == first.size(0) && input.size(2) == first.size(2) &&
                                input.size(3) == first.size(3);
      if (!is_same_size) return false;
    }
    return true;
  }
  at::Tensor Run(Tensors inputs) const override {
    std::vector<kernels::ConcatenationSource> sources;
    int64_t channels = 0;
    for (auto& input : inputs) {
      input = DenseImages(input);
      channels += input.size(1);
      sources.push_back(
          {input.const_data_ptr<float>(), static_cast<size_t>(input.size(1)) * sizeof(float)});
    }
    auto sizes = inputs[0].sizes().vec();
    sizes[1] = channels;
    auto output = at::empty(sizes, inputs[0].options(), kNhwc);
    kernels::Concatenate(sources, sizes[0] * sizes[2] * sizes[3], output.data_ptr<float>());
    return output;
  }

 private:
  const program::Concatenation concatenation_;
};

// Makes the step of a computation, if that is of the type `Spec`. Returns whether there is a step.
template <class Spec, class Step>
bool MakeIf(const program::Computation& computation, std::unique_ptr<KernelStep>& step) {
  if (const auto* spec = std::get_if<Spec>(&computation)) step = std::make_unique<Step>(*spec);
  return step != nullptr;
}

}  // namespace

std::unique_ptr<KernelStep> MakeKernelStep(const program::Computation& computation) {
  std::unique_ptr<KernelStep> step;
  if (!kernels::ActiveKernels()) return step;
  MakeIf<kernels::Activation, ActivationStep>(computation, step) ||
      MakeIf<kernels::AveragePool, AveragePoolStep>(computation, step) ||
      MakeIf<program::AffineSpec, AffineStep>(computation, step) ||
      MakeIf<program::BinarySpec, BinaryStep>(computation, step) ||
      MakeIf<program::Concatenation, ConcatenationStep>(computation, step) ||
      MakeIf<program::LayerNormSpec, LayerNormStep>(computation, step);
  return step;
}

}  // namespace semisup::plan
