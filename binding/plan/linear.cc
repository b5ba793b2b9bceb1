#include "plan/linear.h"

#include <ATen/ops/empty.h>

#include "kernels/simd_kernels.h"
#include "plan/workspace.h"

namespace semisup::plan {

bool Linear::IsSupported() { return kernels::ActiveKernels() != nullptr; }

Linear::Linear(const program::LinearSpec& spec)
    : inputs_(spec.weight.size(1)),
      outputs_(spec.weight.size(0)),
      product_(spec.weight.contiguous().const_data_ptr<float>(), inputs_, outputs_) {
  if (spec.bias.defined()) bias_ = spec.bias.contiguous();
}

bool Linear::FuseActivation(const kernels::Activation& activation) {
  if (activation_.kind != kernels::ActivationKind::kNone) return false;
  activation_ = activation;
  return true;
}

at::Tensor Linear::Run(const at::Tensor& rows) const {
  TORCH_CHECK(rows.size(-1) == inputs_, "Expected rows of ", inputs_,
              " features for a linear layer, but received a tensor of shape ", rows.sizes(), ".");
  const auto input = rows.to(at::kFloat).contiguous();
  auto sizes = input.sizes().vec();
  sizes.back() = outputs_;
  auto output = at::empty(sizes);
  TensorWorkspace workspace;
  product_.Run({.input = input.const_data_ptr<float>(),
                .bias = bias_.defined() ? bias_.const_data_ptr<float>() : nullptr,
                .residual = nullptr,
                .output = output.data_ptr<float>(),
                .batch = input.numel() / inputs_,
                .height = 1,
                .width = 1,
                .input_height = 1,
                .input_width = 1,
                .relu = false,
                .activation = activation_},
               workspace);
  return output;
}

}  // namespace semisup::plan
