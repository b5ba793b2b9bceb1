#include "loader/gpu_driver.h"

#include <array>
#include <cstdio>
#include <stdexcept>

#include "loader/library.h"

namespace {

// Types and constants from NVIDIA's references of the CUDA Driver API and NVML.
constexpr int kSuccess = 0;
constexpr int kNoDevice = 100;
constexpr int kCapabilityMajor = 75;
constexpr int kCapabilityMinor = 76;
using Uuid = std::array<unsigned char, 16>;
struct NvmlMemory {
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
};

struct Cuda {
  explicit Cuda(void* library)
      : init(library, "cuInit"),
        version(library, "cuDriverGetVersion"),
        error_string(library, "cuGetErrorString"),
        count(library, "cuDeviceGetCount"),
        device(library, "cuDeviceGet"),
        name(library, "cuDeviceGetName"),
        attribute(library, "cuDeviceGetAttribute"),
        memory(library, "cuDeviceTotalMem_v2"),
        uuid(library, "cuDeviceGetUuid") {}

  void Check(int result) const {
    if (result == kSuccess) return;
    const char* text = nullptr;
    if (error_string(result, &text) != kSuccess || !text) text = "unknown error";
    throw std::runtime_error(std::string(text) + " (error " + std::to_string(result) + ")");
  }

  Function<int(unsigned)> init;
  Function<int(int*)> version;
  Function<int(int, const char**)> error_string;
  Function<int(int*)> count;
  Function<int(int*, int)> device;
  Function<int(char*, int, int)> name;
  Function<int(int*, int, int)> attribute;
  Function<int(size_t*, int)> memory;
  Function<int(Uuid*, int)> uuid;
};

// Formats a UUID as NVML does. NVML enumerates GPUs in another order than CUDA, so GPUs are matched
// by UUID.
std::string FormatUuid(const Uuid& uuid) {
  std::string text = "GPU";
  for (size_t i = 0; i < uuid.size(); i++) {
    char byte[4];
    const bool starts_group = i == 0 || i == 4 || i == 6 || i == 8 || i == 10;
    std::snprintf(byte, sizeof(byte), starts_group ? "-%02x" : "%02x", uuid[i]);
    text += byte;
  }
  return text;
}

// The management library. It is optional: without it only the free memory is unknown.
class Nvml {
 public:
  explicit Nvml(const std::string& path) {
    try {
      void* library = OpenLibrary(path);
      const Function<int()> init(library, "nvmlInit_v2");
      handle_.emplace(library, "nvmlDeviceGetHandleByUUID");
      memory_.emplace(library, "nvmlDeviceGetMemoryInfo");
      is_available_ = init() == kSuccess;
    } catch (const std::runtime_error&) {
      is_available_ = false;
    }
  }

  std::optional<uint64_t> FreeMemory(const Uuid& uuid) const {
    if (!is_available_) return std::nullopt;
    void* device = nullptr;
    NvmlMemory memory{};
    if ((*handle_)(FormatUuid(uuid).c_str(), &device) != kSuccess) return std::nullopt;
    if ((*memory_)(device, &memory) != kSuccess) return std::nullopt;
    return memory.free;
  }

 private:
  std::optional<Function<int(const char*, void**)>> handle_;
  std::optional<Function<int(void*, NvmlMemory*)>> memory_;
  bool is_available_ = false;
};

Gpu Describe(const Cuda& cuda, const Nvml& nvml, int index) {
  int device = 0;
  cuda.Check(cuda.device(&device, index));
  std::array<char, 256> name{};
  cuda.Check(cuda.name(name.data(), static_cast<int>(name.size()) - 1, device));
  Gpu gpu;
  gpu.name = name.data();
  cuda.Check(cuda.attribute(&gpu.major, kCapabilityMajor, device));
  cuda.Check(cuda.attribute(&gpu.minor, kCapabilityMinor, device));
  size_t total = 0;
  cuda.Check(cuda.memory(&total, device));
  gpu.total = total;
  Uuid uuid{};
  if (cuda.uuid(&uuid, device) == kSuccess) gpu.free = nvml.FreeMemory(uuid);
  return gpu;
}

}  // namespace

GpuDriver QueryGpuDriver(const std::string& cuda_path, const std::string& nvml_path) {
  GpuDriver driver;
  void* library = nullptr;
  try {
    library = OpenLibrary(cuda_path);
  } catch (const std::runtime_error& error) {
    driver.missing = error.what();
    return driver;
  }
  try {
    const Cuda cuda(library);
    if (cuda.version(&driver.cuda_version) != kSuccess) driver.cuda_version = 0;
    const int result = cuda.init(0);
    if (result == kNoDevice) return driver;
    cuda.Check(result);
    int count = 0;
    cuda.Check(cuda.count(&count));
    const Nvml nvml(nvml_path);
    for (int i = 0; i < count; i++) driver.gpus.push_back(Describe(cuda, nvml, i));
  } catch (const std::runtime_error& error) {
    driver.failure = error.what();
    driver.gpus.clear();
  }
  return driver;
}
