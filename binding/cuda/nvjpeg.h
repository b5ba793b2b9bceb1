#pragma once
#include <memory>
#include <string>
#include <vector>

#include "gpu/gpu.h"

namespace semisup::gpu {

// NVIDIA's nvJPEG, opened at run time. By the device's own decoder where it has one, which takes
// baseline JPEGs; what that refuses by its kernels.
std::unique_ptr<JpegDecoder> OpenNvJpeg(const std::vector<std::string>& libraries,
                                        c10::DeviceIndex device);

}  // namespace semisup::gpu
