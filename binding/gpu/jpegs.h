#pragma once
#include <ATen/core/Tensor.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gpu.h"

namespace semisup::gpu {

// What became of JPEGs: crops of those that were decoded, bytes [n, crop, crop, 3] on the GPU, and
// which were not.
struct Crops {
  at::Tensor images;
  std::vector<size_t> failed;
};

// Decodes, resizes and crops JPEGs on a GPU. Any number of threads may use it.
class Jpegs {
 public:
  // Throws where nvJPEG cannot be opened.
  Jpegs(std::shared_ptr<Gpu> gpu, std::vector<std::string> libraries);

  // The shorter side becomes `resize`, by LibTorch's antialiased bilinear filter; the central
  // `crop` by `crop` is cut out.
  Crops Transform(const std::vector<Encoded>& jpegs, int64_t resize, int64_t crop);

 private:
  // What a thread at work has.
  struct Place {
    std::unique_ptr<JpegDecoder> decoder;
    std::unique_ptr<Stream> stream;
  };
  std::unique_ptr<Place> TakePlace();

  const std::shared_ptr<Gpu> gpu_;
  const std::vector<std::string> libraries_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Place>> free_;
};

}  // namespace semisup::gpu
