#pragma once
#include <memory>
#include <string>
#include <vector>

#include "gpu/gpu.h"

namespace semisup::gpu {

// Opens NVIDIA's nvJPEG at run time. Baseline JPEGs are decoded by the GPU's hardware decoder if it
// has one; files that it rejects are decoded by nvJPEG's CUDA kernels.
std::unique_ptr<JpegDecoder> OpenNvJpeg(const std::vector<std::string>& libraries,
                                        c10::DeviceIndex device);

}  // namespace semisup::gpu
