#include "gpu_driver.h"

#include <array>
#include <cstdio>
#include <stdexcept>

#include "library.h"

namespace {

// Types and numbers of the CUDA Driver API and of NVML, as NVIDIA's references give them.
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
        words(library, "cuGetErrorString"),
        count(library, "cuDeviceGetCount"),
        device(library, "cuDeviceGet"),
        name(library, "cuDeviceGetName"),
        attribute(library, "cuDeviceGetAttribute"),
        memory(library, "cuDeviceTotalMem_v2"),
        uuid(library, "cuDeviceGetUuid") {}

  void Check(int result) const {
    if (result == kSuccess) return;
    const char* text = nullptr;
    if (words(result, &text) != kSuccess || !text) text = "unknown error";
    throw std::runtime_error(std::string(text) + " (error " + std::to_string(result) + ")");
  }

  Function<int(unsigned)> init;
  Function<int(int*)> version;
  Function<int(int, const char**)> words;
  Function<int(int*)> count;
  Function<int(int*, int)> device;
  Function<int(char*, int, int)> name;
  Function<int(int*, int, int)> attribute;
  Function<int(size_t*, int)> memory;
  Function<int(Uuid*, int)> uuid;
};

// NVML counts GPUs in another order, so that they are told apart by what is theirs alone.
std::string NameOf(const Uuid& uuid) {
  std::string text = "GPU";
  for (size_t i = 0; i < uuid.size(); i++) {
    char byte[4];
    const bool begins = i == 0 || i == 4 || i == 6 || i == 8 || i == 10;
    std::snprintf(byte, sizeof(byte), begins ? "-%02x" : "%02x", uuid[i]);
    text += byte;
  }
  return text;
}

// The free memory is no part of what must be there.
class Nvml {
 public:
  explicit Nvml(const std::string& path) {
    try {
      void* library = OpenLibrary(path);
      const Function<int()> init(library, "nvmlInit_v2");
      handle_.emplace(library, "nvmlDeviceGetHandleByUUID");
      memory_.emplace(library, "nvmlDeviceGetMemoryInfo");
      is_there_ = init() == kSuccess;
    } catch (const std::runtime_error&) {
      is_there_ = false;
    }
  }

  std::optional<uint64_t> FreeOf(const Uuid& uuid) const {
    if (!is_there_) return std::nullopt;
    void* device = nullptr;
    NvmlMemory memory{};
    if ((*handle_)(NameOf(uuid).c_str(), &device) != kSuccess) return std::nullopt;
    if ((*memory_)(device, &memory) != kSuccess) return std::nullopt;
    return memory.free;
  }

 private:
  std::optional<Function<int(const char*, void**)>> handle_;
  std::optional<Function<int(void*, NvmlMemory*)>> memory_;
  bool is_there_ = false;
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
  if (cuda.uuid(&uuid, device) == kSuccess) gpu.free = nvml.FreeOf(uuid);
  return gpu;
}

}  // namespace

GpuDriver AskGpuDriver(const std::string& cuda_path, const std::string& nvml_path) {
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
