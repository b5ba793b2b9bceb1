#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// A GPU as NVIDIA's driver describes it.
struct Gpu {
  std::string name;
  // Of its compute capability.
  int major = 0;
  int minor = 0;
  // Bytes of memory; what is free only where the management library (NVML) is there to tell.
  uint64_t total = 0;
  std::optional<uint64_t> free;
};

// What NVIDIA's driver says. It is asked by its own libraries, which come with it: nothing of
// CUDA's toolkit or of LibTorch is needed, and no memory of a GPU is taken.
struct GpuDriver {
  // Why there is no driver: the system's words. Empty if there is one.
  std::string missing;
  // Why it cannot be used: its own words. Empty if it can.
  std::string failure;
  // The version of CUDA that it can run, as 1000 * major + 10 * minor; 0 if it does not tell.
  int cuda_version = 0;
  std::vector<Gpu> gpus;
};

// `cuda` and `nvml`: paths or names of the driver's libraries.
GpuDriver AskGpuDriver(const std::string& cuda, const std::string& nvml);
