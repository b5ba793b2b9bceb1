#include "engine/convert.h"

#include "kernels/bfloat16/round.h"
#include "kernels/convolution_kernel.h"
#include "kernels/parallel.h"

namespace semisup::engine {
namespace {

// A dense tensor of another dtype and the same strides.
Tensor EmptyOf(DType dtype, const Tensor& dense) {
  auto empty = Tensor::Empty(dense.sizes(), dtype);
  return {empty.owner(), empty.mutable_bytes(), dense.sizes(), dense.strides(), dtype};
}

template <class From, class To, class Convert>
Tensor Converted(const Tensor& tensor, const Convert& convert) {
  const auto dense = tensor.Dense();
  auto result = EmptyOf(kDType<To>, dense);
  const auto* from = dense.template data<From>();
  auto* to = result.template mutable_data<To>();
  kernels::ParallelFor(dense.numel(), kernels::GrainOfRows(1),
                       [&](int64_t begin, int64_t end, int64_t) {
                         for (int64_t i = begin; i < end; i++) to[i] = convert(from[i]);
                       });
  return result;
}

Tensor Dequantized(const Tensor& bytes) {
  const auto dense = bytes.Dense();
  auto values = EmptyOf(DType::kFloat32, dense);
  kernels::Dequantize(dense.data<uint8_t>(), dense.numel(), *dense.quantization(),
                      values.mutable_data<float>());
  return values;
}

}  // namespace

Tensor ToFloat32(const Tensor& tensor) {
  if (tensor.dtype() == DType::kFloat32) return tensor;
  if (tensor.dtype() == DType::kUInt8) return Dequantized(tensor);
  return Converted<kernels::BFloat16, float>(
      tensor, [](kernels::BFloat16 value) { return kernels::ToFloat(value); });
}

Tensor ToBFloat16(const Tensor& tensor) {
  if (tensor.dtype() == DType::kBFloat16) return tensor;
  return Converted<float, kernels::BFloat16>(ToFloat32(tensor), &kernels::RoundToBFloat16);
}

Tensor ToQuantized(const Tensor& images, const kernels::Quantization& quantization) {
  if (images.quantization() == quantization) return images;
  const auto values = ToFloat32(images);
  auto bytes = Tensor::Empty(values.sizes(), DType::kUInt8, Layout::kNhwc);
  bytes.set_quantization(quantization);
  const bool is_nchw = values.IsDense(Layout::kNchw) && !values.IsDense(Layout::kNhwc);
  if (is_nchw && values.size(1) <= kernels::kMaxNchwChannels) {
    kernels::QuantizeNchw(values.data<float>(), values.size(0), values.size(1), values.size(2),
                          values.size(3), quantization, bytes.mutable_data<uint8_t>());
    return bytes;
  }
  const auto dense = values.Dense(Layout::kNhwc);
  kernels::Quantize(dense.data<float>(), dense.numel(), quantization,
                    bytes.mutable_data<uint8_t>());
  return bytes;
}

}  // namespace semisup::engine
