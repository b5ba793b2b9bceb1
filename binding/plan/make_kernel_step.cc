#include "plan/make_kernel_step.h"

#include <utility>

#include "engine/binary_step.h"
#include "engine/concatenation_step.h"
#include "engine/elementwise_steps.h"
#include "engine/linear_step.h"
#include "engine/pooling_steps.h"
#include "engine/view_steps.h"
#include "kernels/simd_kernels.h"
#include "plan/torch_tensor.h"

namespace semisup::plan {
namespace {

using Made = std::unique_ptr<engine::KernelStep>;

// Those that every processor supports.
Made Make(const kernels::MaxPool& pool) { return std::make_unique<engine::MaxPoolStep>(pool); }
Made Make(const engine::GlobalAveragePool& pool) {
  return std::make_unique<engine::GlobalAveragePoolStep>(pool);
}
Made Make(const engine::Identity&) { return std::make_unique<engine::IdentityStep>(); }
Made Make(const engine::Permutation& permutation) {
  return std::make_unique<engine::PermutationStep>(permutation);
}
Made Make(const engine::Flattening&) { return std::make_unique<engine::FlatteningStep>(); }

// Those of instruction sets.
Made MakeSimd(const program::LinearSpec& spec) {
  return std::make_unique<engine::LinearStep>(spec.weight.contiguous().const_data_ptr<float>(),
                                              ToBuffer(spec.bias), spec.weight.size(1),
                                              spec.weight.size(0));
}
Made MakeSimd(const kernels::Activation& activation) {
  return std::make_unique<engine::ActivationStep>(activation);
}
Made MakeSimd(const kernels::AveragePool& pool) {
  return std::make_unique<engine::AveragePoolStep>(pool);
}
Made MakeSimd(const program::AffineSpec& spec) {
  return std::make_unique<engine::AffineStep>(
      engine::Affine{ToBuffer(spec.scale), ToBuffer(spec.shift), {}});
}
Made MakeSimd(const program::BinarySpec& spec) {
  engine::Binary binary{.operation = spec.operation, .constant = {}, .constant_sizes = {}};
  if (spec.constant.defined()) {
    binary.constant = ToBuffer(spec.constant);
    binary.constant_sizes = spec.constant.sizes().vec();
  }
  return std::make_unique<engine::BinaryStep>(std::move(binary));
}
Made MakeSimd(const engine::Concatenation& concatenation) {
  return std::make_unique<engine::ConcatenationStep>(concatenation);
}
Made MakeSimd(const program::LayerNormSpec& spec) {
  return std::make_unique<engine::LayerNormStep>(
      engine::LayerNorm{spec.columns, ToBuffer(spec.weight), ToBuffer(spec.bias), spec.epsilon});
}

}  // namespace

std::unique_ptr<engine::KernelStep> MakeKernelStep(const program::Computation& computation) {
  return std::visit(
      [](const auto& one) -> Made {
        if constexpr (requires { Make(one); }) {
          return Make(one);
        } else if constexpr (requires { MakeSimd(one); }) {
          return kernels::ActiveKernels() ? MakeSimd(one) : nullptr;
        } else {
          return nullptr;
        }
      },
      computation);
}

}  // namespace semisup::plan
