#pragma once
#include <ATen/core/Tensor.h>

#include <utility>

namespace semisup::plan {

constexpr auto kNhwc = at::MemoryFormat::ChannelsLast;

// Whether images are NCHW (contiguous) and not channels-last (NHWC) as well.
inline bool IsNchw(const at::Tensor& images) {
  return images.is_contiguous() && !images.is_contiguous(kNhwc);
}

// The tensor without gaps: images channels-last.
inline at::Tensor DenseImages(const at::Tensor& tensor) {
  return tensor.dim() == 4 ? tensor.contiguous(kNhwc) : tensor.contiguous();
}
// The same, unless it is contiguous already.
inline at::Tensor Dense(const at::Tensor& tensor) {
  return tensor.is_contiguous() ? tensor : DenseImages(tensor);
}

// Whether this is the only reference to a tensor and its storage, so that it may be overwritten.
inline bool IsExclusive(const at::Tensor& tensor) {
  return tensor.use_count() == 1 && tensor.storage().use_count() == 1;
}

// Returns the tensor itself if it may be overwritten, otherwise a copy.
inline at::Tensor Writable(at::Tensor tensor) {
  return IsExclusive(tensor) ? std::move(tensor) : tensor.clone();
}

}  // namespace semisup::plan
