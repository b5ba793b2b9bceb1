#include "engine/binary_step.h"

#include <algorithm>

namespace semisup::engine {
namespace {

using kernels::BinaryOperation;

// The operation with its operands exchanged.
BinaryOperation Reversed(BinaryOperation operation) {
  if (operation == BinaryOperation::kSubtract) return BinaryOperation::kReverseSubtract;
  if (operation == BinaryOperation::kReverseSubtract) return BinaryOperation::kSubtract;
  return operation;
}

// Whether `tensor` has one value for each channel of each of the images `images`.
bool IsPerChannel(const Tensor& tensor, const Tensor& images) {
  return images.dim() == 4 && tensor.dim() == 4 && tensor.size(0) == images.size(0) &&
         tensor.size(1) == images.size(1) && tensor.size(2) == 1 && tensor.size(3) == 1;
}

// Whether all dimensions of a constant but one that is `from_end` from the last have size 1.
bool IsVectorAlong(const Tensor& constant, int64_t from_end) {
  return constant.dim() > from_end && constant.numel() == constant.size(-1 - from_end);
}

// The dimension whose elements are in adjacent columns of a dense tensor, from the last: the
// channels of images, and the last one of others.
int64_t InnerDimension(const Tensor& dense) {
  return dense.dim() == 4 && !dense.IsDense(Layout::kNchw) ? 2 : 0;
}

Tensor Combine(BinaryOperation operation, const Tensor& a, const Tensor& b, Tensor output,
               int64_t columns, int64_t rows_per_b_row) {
  kernels::RunBinary({.operation = operation,
                      .a = a.data<float>(),
                      .b = b.data<float>(),
                      .output = output.mutable_data<float>(),
                      .rows = a.numel() / columns,
                      .columns = columns,
                      .rows_per_b_row = rows_per_b_row});
  return output;
}

Tensor Filled(int64_t size, float value) {
  auto tensor = Tensor::Empty({size}, DType::kFloat32);
  std::fill_n(tensor.mutable_data<float>(), size, value);
  return tensor;
}

Tensor ConstantOf(const Binary& binary) {
  if (binary.constant.size() == 0) return {};
  const auto constant = std::make_shared<kernels::Buffer<float>>(binary.constant);
  const Tensor flat(constant, constant->data(), {constant->size()}, {1}, DType::kFloat32);
  return flat.Reshaped(binary.constant_sizes);
}

}  // namespace

BinaryStep::BinaryStep(Binary binary)
    : binary_(std::move(binary)), constant_(ConstantOf(binary_)) {}

Tensor BinaryStep::RunInFloat32(Tensors inputs) const {
  auto a = std::move(inputs[0]);
  if (constant_.defined()) return RunWithConstant(std::move(a));
  auto b = std::move(inputs[1]);
  inputs.clear();
  if (IsPerChannel(b, a)) return RunPerChannel(binary_.operation, std::move(a), b);
  if (IsPerChannel(a, b)) return RunPerChannel(Reversed(binary_.operation), std::move(b), a);
  return RunBroadcasting(std::move(a), std::move(b));
}

Tensor BinaryStep::RunWithConstant(Tensor input) const {
  const int64_t numel = constant_.numel();
  const bool fits = constant_.dim() <= input.dim();
  if (fits && numel == 1) {
    auto a = std::exchange(input, {}).Dense();
    const auto row = Filled(a.size(-1 - InnerDimension(a)), *constant_.data<float>());
    return CombineWithRow(std::move(a), row);
  }
  if (fits && input.dim() == 4 && IsVectorAlong(constant_, 2) && numel == input.size(1)) {
    return CombineWithRow(std::exchange(input, {}).Dense(Layout::kNhwc), constant_);
  }
  if (fits && input.IsDense(Layout::kNchw) && IsVectorAlong(constant_, 0) &&
      numel == input.size(-1)) {
    return CombineWithRow(std::exchange(input, {}), constant_);
  }
  return RunBroadcasting(std::move(input), constant_);
}

Tensor BinaryStep::CombineWithRow(Tensor a, const Tensor& row) const {
  const int64_t columns = row.numel();
  return Combine(binary_.operation, a, row, OutputLike(a), columns, a.numel() / columns);
}

Tensor BinaryStep::RunPerChannel(BinaryOperation operation, Tensor a, const Tensor& b) {
  const auto images = std::exchange(a, {}).Dense(Layout::kNhwc);
  return Combine(operation, images, b.Dense(Layout::kNchw), OutputLike(images), images.size(1),
                 images.size(2) * images.size(3));
}

Tensor BinaryStep::RunBroadcasting(Tensor a, Tensor b) const {
  if (a.sizes() != b.sizes()) {
    const auto sizes = BroadcastSizes(a.sizes(), b.sizes());
    a = std::exchange(a, {}).Expanded(sizes);
    b = std::exchange(b, {}).Expanded(sizes);
  }
  const bool is_nchw = a.IsDense(Layout::kNchw) && b.IsDense(Layout::kNchw);
  const auto layout = is_nchw ? Layout::kNchw : Layout::kNhwc;
  const auto first = std::exchange(a, {}).Dense(layout);
  const auto second = std::exchange(b, {}).Dense(layout);
  auto output = first.IsExclusive()    ? first
                : second.IsExclusive() ? second
                                       : Tensor::EmptyLike(first);
  return Combine(binary_.operation, first, second, std::move(output), first.numel(), 1);
}

}  // namespace semisup::engine
