#pragma once
#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gpu/gpu.h"
#include "image/views.h"

namespace semisup::gpu {

// The decoded JPEGs of a batch.
struct CroppedJpegs {
  // uint8 [n * views, crop, crop, 3] on the GPU, without the files that failed; undefined if all
  // failed.
  at::Tensor images;
  // The indices of the files that could not be decoded.
  std::vector<size_t> failed;
};

// Decodes, resizes and crops JPEGs on a GPU. Thread-safe: each concurrent call uses a decoder and a
// stream of its own.
class JpegPipeline {
 public:
  // Throws if none of the nvJPEG `libraries` can be opened.
  JpegPipeline(std::shared_ptr<Gpu> gpu, std::vector<std::string> libraries);

  // Resizes the shorter side to `resize` with LibTorch's antialiased bilinear filter, then crops
  // the views of `crop` x `crop` pixels.
  CroppedJpegs Decode(const std::vector<EncodedImage>& jpegs, int64_t resize, int64_t crop,
                      Views views);

 private:
  struct Slot {
    std::unique_ptr<JpegDecoder> decoder;
    std::unique_ptr<Stream> stream;
  };
  std::unique_ptr<Slot> AcquireSlot();

  const std::shared_ptr<Gpu> gpu_;
  const std::vector<std::string> libraries_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Slot>> free_;
};

}  // namespace semisup::gpu
