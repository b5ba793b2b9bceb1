#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// A GPU, as described by NVIDIA's driver.
struct Gpu {
  std::string name;
  // Compute capability.
  int major = 0;
  int minor = 0;
  // Bytes of memory. `free` is known only if the management library (NVML) is available.
  uint64_t total = 0;
  std::optional<uint64_t> free;
};

// The state of NVIDIA's driver. The query uses only the libraries that come with the driver, so it
// needs neither the CUDA toolkit nor LibTorch, and allocates no GPU memory.
struct GpuDriver {
  // The system's error message if the driver is not installed, else empty.
  std::string missing;
  // The driver's error message if it cannot be used, else empty.
  std::string failure;
  // The newest CUDA version that the driver supports, as 1000 * major + 10 * minor; 0 if unknown.
  int cuda_version = 0;
  std::vector<Gpu> gpus;
};

// `cuda_path` and `nvml_path`: paths or names of the driver's libraries. The first call starts the
// driver, which can take a second.
GpuDriver QueryGpuDriver(const std::string& cuda_path, const std::string& nvml_path);
