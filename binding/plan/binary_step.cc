#include "plan/binary_step.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>

#include <utility>

#include "plan/layout.h"

namespace semisup::plan {
namespace {

using kernels::BinaryOperation;

// The operation with its operands exchanged.
BinaryOperation Reversed(BinaryOperation operation) {
  if (operation == BinaryOperation::kSubtract) return BinaryOperation::kReverseSubtract;
  if (operation == BinaryOperation::kReverseSubtract) return BinaryOperation::kSubtract;
  return operation;
}

// Whether `tensor` has one value for each channel of each of the images `images`.
bool IsPerChannel(const at::Tensor& tensor, const at::Tensor& images) {
  return images.dim() == 4 && tensor.dim() == 4 && tensor.size(0) == images.size(0) &&
         tensor.size(1) == images.size(1) && tensor.size(2) == 1 && tensor.size(3) == 1;
}

// Whether all dimensions of a constant but one that is `from_end` from the last have size 1.
bool IsVectorAlong(const at::Tensor& constant, int64_t from_end) {
  return constant.dim() > from_end && constant.numel() == constant.size(-1 - from_end);
}

// The dimension whose elements are in adjacent columns of a dense tensor, from the last: the
// channels of images, and the last one of others.
int64_t InnerDimension(const at::Tensor& dense) {
  return dense.dim() == 4 && dense.is_contiguous(kNhwc) && !dense.is_contiguous() ? 2 : 0;
}

at::Tensor Combine(BinaryOperation operation, const at::Tensor& a, const at::Tensor& b,
                   at::Tensor output, int64_t columns, int64_t rows_per_b_row) {
  kernels::RunBinary({.operation = operation,
                      .a = a.const_data_ptr<float>(),
                      .b = b.const_data_ptr<float>(),
                      .output = output.data_ptr<float>(),
                      .rows = a.numel() / columns,
                      .columns = columns,
                      .rows_per_b_row = rows_per_b_row});
  return output;
}

}  // namespace

bool BinaryStep::Supports(const Tensors& inputs) const {
  const auto& a = inputs[0];
  if (!spec_.constant.defined()) {
    const auto& b = inputs[1];
    return a.sizes() == b.sizes() || IsPerChannel(b, a) || IsPerChannel(a, b);
  }
  const auto& constant = spec_.constant;
  if (constant.dim() > a.dim()) return false;
  if (constant.numel() == 1) return true;
  const bool is_per_channel =
      a.dim() == 4 && IsVectorAlong(constant, 2) && constant.numel() == a.size(1);
  const bool is_per_column =
      a.is_contiguous() && IsVectorAlong(constant, 0) && constant.numel() == a.size(-1);
  return is_per_channel || is_per_column;
}

at::Tensor BinaryStep::Run(Tensors inputs) const {
  auto a = std::move(inputs[0]);
  if (spec_.constant.defined()) return RunWithConstant(std::move(a));
  auto b = std::move(inputs[1]);
  inputs.clear();
  if (a.sizes() == b.sizes()) return RunOnSameShapes(std::move(a), std::move(b));
  if (IsPerChannel(b, a)) return RunPerChannel(spec_.operation, std::move(a), b);
  return RunPerChannel(Reversed(spec_.operation), std::move(b), a);
}

at::Tensor BinaryStep::RunWithConstant(at::Tensor input) const {
  const auto& constant = spec_.constant;
  const bool is_number = constant.numel() == 1;
  const bool is_per_channel = !is_number && input.dim() == 4 && IsVectorAlong(constant, 2);
  const auto a =
      is_per_channel ? DenseImages(std::exchange(input, {})) : Dense(std::exchange(input, {}));
  const int64_t columns = is_per_channel ? a.size(1) : a.size(a.dim() - 1 - InnerDimension(a));
  const auto b = is_number ? at::full({columns}, constant.item(), a.options()) : constant;
  return Combine(spec_.operation, a, b, IsExclusive(a) ? a : at::empty_like(a), columns,
                 a.numel() / columns);
}

at::Tensor BinaryStep::RunPerChannel(BinaryOperation operation, at::Tensor a, const at::Tensor& b) {
  const auto images = DenseImages(std::exchange(a, {}));
  return Combine(operation, images, b.contiguous(),
                 IsExclusive(images) ? images : at::empty_like(images), images.size(1),
                 images.size(2) * images.size(3));
}

at::Tensor BinaryStep::RunOnSameShapes(at::Tensor a, at::Tensor b) const {
  // Of the same layout.
  const bool is_contiguous = a.is_contiguous() && b.is_contiguous();
  const auto first = is_contiguous ? std::exchange(a, {}) : DenseImages(std::exchange(a, {}));
  const auto second = is_contiguous ? std::exchange(b, {}) : DenseImages(std::exchange(b, {}));
  auto output = IsExclusive(first) ? first : IsExclusive(second) ? second : at::empty_like(first);
  return Combine(spec_.operation, first, second, std::move(output), first.numel(), 1);
}

}  // namespace semisup::plan
