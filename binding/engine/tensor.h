#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/dtype.h"
#include "kernels/int8/quantization.h"

namespace semisup::engine {

using Sizes = std::vector<int64_t>;

// Where the dimensions of dense images are in memory: as in their sizes [n, c, h, w], or with the
// channels last.
enum class Layout { kNchw, kNhwc };

// A view of elements in memory that tensors share. A default tensor is undefined.
class Tensor {
 public:
  Tensor() = default;
  // Elements that `owner` keeps alive.
  Tensor(std::shared_ptr<void> owner, void* data, Sizes sizes, Sizes strides, DType dtype)
      : owner_(std::move(owner)),
        data_(static_cast<char*>(data)),
        sizes_(std::move(sizes)),
        strides_(std::move(strides)),
        dtype_(dtype) {}
  // A dense tensor that is not initialized, from the thread's arena. Of other than four dimensions,
  // the last is adjacent in every layout.
  static Tensor Empty(Sizes sizes, DType dtype, Layout layout = Layout::kNchw);
  // Of the sizes, the strides and the dtype of a tensor that is dense.
  static Tensor EmptyLike(const Tensor& dense);

  bool defined() const { return owner_ != nullptr; }
  DType dtype() const { return dtype_; }
  const Sizes& sizes() const { return sizes_; }
  const Sizes& strides() const { return strides_; }
  int64_t dim() const { return static_cast<int64_t>(sizes_.size()); }
  // Negative dimensions count from the last.
  int64_t size(int64_t dimension) const {
    return sizes_[dimension < 0 ? dimension + dim() : dimension];
  }
  int64_t numel() const;
  // In int8: what the bytes mean.
  const std::optional<kernels::Quantization>& quantization() const { return quantization_; }
  void set_quantization(const std::optional<kernels::Quantization>& quantization) {
    quantization_ = quantization;
  }

  // The first element.
  template <class T>
  const T* data() const {
    return reinterpret_cast<const T*>(data_);
  }
  template <class T>
  T* mutable_data() const {
    return reinterpret_cast<T*>(data_);
  }
  void* mutable_bytes() const { return data_; }
  const std::shared_ptr<void>& owner() const { return owner_; }

  // Whether nothing else refers to the elements, so that they may be overwritten.
  bool IsExclusive() const { return owner_.use_count() == 1; }
  // Whether the tensor is dense in a layout. Dimensions of size 1 can be anywhere, so that both may
  // hold.
  bool IsDense(Layout layout) const;
  // The tensor itself, or a dense copy.
  Tensor Dense(Layout layout) const;
  // The same in NHWC for images, unless the tensor is dense in NCHW already.
  Tensor Dense() const;
  // The tensor itself, if it may be overwritten, or a copy.
  Tensor Writable() &&;

  // Views.
  Tensor Narrow(int64_t dimension, int64_t first, int64_t count) const;
  // Every `step`th element along a dimension.
  Tensor Subsampled(int64_t dimension, int64_t step) const;
  // Dimension i of the result is dimension order[i].
  Tensor Permuted(const std::vector<int64_t>& order) const;
  // Repeats dimensions of size 1, and adds dimensions in front.
  Tensor Expanded(const Sizes& sizes) const;
  // Of a tensor that is dense in NCHW.
  Tensor Reshaped(Sizes sizes) const;

 private:
  std::shared_ptr<void> owner_;
  char* data_ = nullptr;
  Sizes sizes_;
  Sizes strides_;
  DType dtype_ = DType::kFloat32;
  std::optional<kernels::Quantization> quantization_;
};

using Tensors = std::vector<Tensor>;

// "[1, 3, 224, 224]", for messages.
std::string ToString(const Sizes& sizes);
// The sizes of an elementwise result, as PyTorch broadcasts its operands. Throws
// std::invalid_argument if they do not match.
Sizes BroadcastSizes(const Sizes& a, const Sizes& b);
// The tensors of one dtype, concatenated along the first dimension.
Tensor ConcatenateRows(const Tensors& tensors);

}  // namespace semisup::engine
