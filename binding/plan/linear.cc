#include "plan/linear.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include "kernels/partition.h"
#include "kernels/simd_kernels.h"
#include "plan/workspace.h"

namespace semisup::plan {
namespace {

// The number of outputs, rounded up to whole panels.
int64_t Padded(int64_t outputs) {
  const int64_t panel = kernels::ActiveKernels()->panel;
  return kernels::CeilDiv(outputs, panel) * panel;
}

at::Tensor PadOutputs(const at::Tensor& weight) {
  const int64_t outputs = weight.size(0);
  return at::constant_pad_nd(weight.contiguous(), {0, 0, 0, Padded(outputs) - outputs});
}

}  // namespace

bool Linear::IsSupported() { return kernels::ActiveKernels() != nullptr; }

Linear::Linear(const program::LinearSpec& spec)
    : inputs_(spec.weight.size(1)),
      outputs_(spec.weight.size(0)),
      bias_(at::zeros({Padded(outputs_)})),
      product_(PadOutputs(spec.weight).const_data_ptr<float>(), inputs_, Padded(outputs_)) {
  if (spec.bias.defined()) bias_.narrow(0, 0, outputs_).copy_(spec.bias);
}

at::Tensor Linear::Run(const at::Tensor& rows) const {
  TORCH_CHECK(rows.dim() == 2 && rows.size(1) == inputs_, "Expected rows of ", inputs_,
              " features for a linear layer, but received a tensor of shape ", rows.sizes(), ".");
  const auto input = rows.to(at::kFloat).contiguous();
  auto output = at::empty({input.size(0), bias_.size(0)});
  TensorWorkspace workspace;
  product_.Run({.input = input.const_data_ptr<float>(),
                .bias = bias_.const_data_ptr<float>(),
                .residual = nullptr,
                .output = output.data_ptr<float>(),
                .batch = input.size(0),
                .height = 1,
                .width = 1,
                .input_height = 1,
                .input_width = 1,
                .relu = false},
               workspace);
  return output.narrow(1, 0, outputs_).contiguous();
}

}  // namespace semisup::plan
