#include "linear.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include "pointwise_kernels.h"
#include "slices.h"

namespace semisup::plan {
namespace {

int64_t Filled(int64_t outputs) { return CeilOf(outputs, kPointwisePanel) * kPointwisePanel; }

at::Tensor FilledUp(const at::Tensor& weight) {
  const int64_t outputs = weight.size(0);
  return at::constant_pad_nd(weight.contiguous(), {0, 0, 0, Filled(outputs) - outputs});
}

}  // namespace

bool Linear::Takes() { return Pointwise::Takes(kPointwisePanel); }

Linear::Linear(const at::Tensor& weight, const at::Tensor& bias)
    : inputs_(weight.size(1)),
      outputs_(weight.size(0)),
      bias_(at::zeros({Filled(outputs_)})),
      product_(FilledUp(weight).const_data_ptr<float>(), weight.size(1), Filled(outputs_)) {
  if (bias.defined()) bias_.narrow(0, 0, outputs_).copy_(bias);
}

at::Tensor Linear::Run(const at::Tensor& rows) const {
  TORCH_CHECK(rows.dim() == 2 && rows.size(1) == inputs_, "a layer takes rows of ", inputs_,
              " numbers, and was given a tensor of the shape ", rows.sizes());
  const auto input = rows.to(at::kFloat).contiguous();
  const auto product = at::empty({input.size(0), bias_.size(0)});
  product_.Run({.input = input.const_data_ptr<float>(),
                .bias = bias_.const_data_ptr<float>(),
                .other = nullptr,
                .output = product.data_ptr<float>(),
                .count = input.size(0),
                .height = 1,
                .width = 1,
                .input_height = 1,
                .input_width = 1,
                .rectify = false});
  return product.narrow(1, 0, outputs_).contiguous();
}

}  // namespace semisup::plan
