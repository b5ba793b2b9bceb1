#include "plan/quantization.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include "kernels/convolution_kernel.h"
#include "plan/layout.h"

namespace semisup::plan {

at::Tensor Quantize(const at::Tensor& values, const Quantization& quantization) {
  if (values.dim() == 4 && values.size(1) <= kernels::kMaxNchwChannels && IsNchw(values)) {
    auto bytes = at::empty(values.sizes(), values.options().dtype(at::kByte), kNhwc);
    kernels::QuantizeNchw(values.const_data_ptr<float>(), values.size(0), values.size(1),
                          values.size(2), values.size(3), quantization, bytes.data_ptr<uint8_t>());
    return bytes;
  }
  const auto dense = values.contiguous(kNhwc);
  auto bytes = at::empty_like(dense, dense.options().dtype(at::kByte));
  kernels::Quantize(dense.const_data_ptr<float>(), dense.numel(), quantization,
                    bytes.data_ptr<uint8_t>());
  return bytes;
}

at::Tensor Dequantize(const at::Tensor& bytes, const Quantization& quantization) {
  auto values = at::empty_like(bytes, bytes.options().dtype(at::kFloat));
  kernels::Dequantize(bytes.const_data_ptr<uint8_t>(), bytes.numel(), quantization,
                      values.data_ptr<float>());
  return values;
}

}  // namespace semisup::plan
