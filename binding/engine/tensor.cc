#include "engine/tensor.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <new>
#include <numeric>
#include <stdexcept>

#include "engine/copy.h"
#include "engine/memory.h"

namespace semisup::engine {
namespace {

int64_t Product(const Sizes& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t{1}, std::multiplies<>());
}

// The dimensions of a dense tensor, from the one whose elements are adjacent.
std::vector<int64_t> InnerToOuter(int64_t dim, Layout layout) {
  if (dim == 4 && layout == Layout::kNhwc) return {1, 3, 2, 0};
  std::vector<int64_t> order(dim);
  std::iota(order.rbegin(), order.rend(), 0);
  return order;
}

Sizes DenseStrides(const Sizes& sizes, Layout layout) {
  Sizes strides(sizes.size());
  int64_t stride = 1;
  for (const int64_t dimension : InnerToOuter(static_cast<int64_t>(sizes.size()), layout)) {
    strides[dimension] = stride;
    stride *= sizes[dimension];
  }
  return strides;
}

// Copies a tensor into another one of the same sizes and dtype.
void Copy(const Tensor& source, const Tensor& destination) {
  std::vector<CopiedDimension> dimensions;
  for (size_t i = 0; i < source.sizes().size(); i++) {
    dimensions.push_back({source.sizes()[i], source.strides()[i], destination.strides()[i]});
  }
  CopyElements(source.mutable_bytes(), destination.mutable_bytes(), source.dtype(), dimensions);
}

// Of a dense tensor. Throws std::bad_alloc beyond what any network needs, where sizes from a file
// could overflow.
size_t BytesOf(const Sizes& sizes, DType dtype) {
  constexpr int64_t kMaxBytes = int64_t{1} << 40;
  int64_t bytes = SizeOf(dtype);
  for (const int64_t size : sizes) {
    if (size > 0 && bytes > kMaxBytes / size) throw std::bad_alloc();
    bytes *= size;
  }
  return static_cast<size_t>(bytes);
}

}  // namespace

Tensor Tensor::Empty(Sizes sizes, DType dtype, Layout layout) {
  auto memory = AllocateShared(BytesOf(sizes, dtype));
  auto* data = memory.get();
  auto strides = DenseStrides(sizes, layout);
  return {std::move(memory), data, std::move(sizes), std::move(strides), dtype};
}

Tensor Tensor::EmptyLike(const Tensor& dense) {
  auto memory = AllocateShared(static_cast<size_t>(dense.numel() * SizeOf(dense.dtype_)));
  auto* data = memory.get();
  Tensor tensor{std::move(memory), data, dense.sizes_, dense.strides_, dense.dtype_};
  tensor.quantization_ = dense.quantization_;
  return tensor;
}

int64_t Tensor::numel() const { return Product(sizes_); }

bool Tensor::IsDense(Layout layout) const {
  int64_t stride = 1;
  for (const int64_t dimension : InnerToOuter(dim(), layout)) {
    if (sizes_[dimension] == 1) continue;
    if (strides_[dimension] != stride) return false;
    stride *= sizes_[dimension];
  }
  return true;
}

Tensor Tensor::Dense(Layout layout) const {
  if (IsDense(layout)) return *this;
  auto copy = Empty(sizes_, dtype_, layout);
  copy.quantization_ = quantization_;
  Copy(*this, copy);
  return copy;
}

Tensor Tensor::Dense() const { return IsDense(Layout::kNchw) ? *this : Dense(Layout::kNhwc); }

Tensor Tensor::Writable() && {
  if (IsExclusive()) return std::move(*this);
  auto copy = EmptyLike(*this);
  Copy(*this, copy);
  return copy;
}

Tensor Tensor::Narrow(int64_t dimension, int64_t first, int64_t count) const {
  auto view = *this;
  view.data_ += first * strides_[dimension] * SizeOf(dtype_);
  view.sizes_[dimension] = count;
  return view;
}

Tensor Tensor::Subsampled(int64_t dimension, int64_t step) const {
  auto view = *this;
  view.sizes_[dimension] = (sizes_[dimension] + step - 1) / step;
  view.strides_[dimension] = strides_[dimension] * step;
  return view;
}

Tensor Tensor::Permuted(const std::vector<int64_t>& order) const {
  auto view = *this;
  for (size_t i = 0; i < order.size(); i++) {
    view.sizes_[i] = sizes_[order[i]];
    view.strides_[i] = strides_[order[i]];
  }
  return view;
}

Tensor Tensor::Expanded(const Sizes& sizes) const {
  auto view = *this;
  view.sizes_ = sizes;
  view.strides_.assign(sizes.size(), 0);
  const size_t added = sizes.size() - sizes_.size();
  for (size_t i = 0; i < sizes_.size(); i++) {
    if (sizes_[i] != 1) view.strides_[added + i] = strides_[i];
  }
  return view;
}

Tensor Tensor::Reshaped(Sizes sizes) const {
  auto view = *this;
  view.strides_ = DenseStrides(sizes, Layout::kNchw);
  view.sizes_ = std::move(sizes);
  return view;
}

std::string ToString(const Sizes& sizes) {
  std::string text = "[";
  for (size_t i = 0; i < sizes.size(); i++) {
    text += (i > 0 ? ", " : "") + std::to_string(sizes[i]);
  }
  return text + "]";
}

Sizes BroadcastSizes(const Sizes& a, const Sizes& b) {
  const auto& longer = a.size() >= b.size() ? a : b;
  const auto& shorter = a.size() >= b.size() ? b : a;
  Sizes sizes = longer;
  const size_t added = longer.size() - shorter.size();
  for (size_t i = 0; i < shorter.size(); i++) {
    const int64_t one = longer[added + i];
    const int64_t other = shorter[i];
    if (one != other && one != 1 && other != 1) {
      throw std::invalid_argument("A tensor of shape " + ToString(a) +
                                  " cannot be combined with one of shape " + ToString(b) + ".");
    }
    sizes[added + i] = one == 1 ? other : one;
  }
  return sizes;
}

Tensor ConcatenateRows(const Tensors& tensors) {
  auto sizes = tensors[0].sizes();
  sizes[0] = 0;
  for (const auto& tensor : tensors) sizes[0] += tensor.size(0);
  auto rows = Tensor::Empty(sizes, tensors[0].dtype());
  int64_t first = 0;
  for (const auto& tensor : tensors) {
    Copy(tensor, rows.Narrow(0, first, tensor.size(0)));
    first += tensor.size(0);
  }
  return rows;
}

}  // namespace semisup::engine
