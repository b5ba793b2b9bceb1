#include "cuda/nvjpeg.h"

#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/util/Exception.h>

#include <array>
#include <stdexcept>
#include <utility>

#include "cuda/streams.h"
#include "loader/library.h"

namespace semisup::gpu {
namespace {

// Types and constants from NVIDIA's nvJPEG reference.
constexpr int kSuccess = 0;
constexpr int kDefaultBackend = 0;
constexpr int kHardwareBackend = 3;
constexpr int kInterleavedRgb = 5;
constexpr int kComponents = 4;
struct Destination {
  std::array<unsigned char*, kComponents> channel{};
  std::array<size_t, kComponents> pitch{};
};
using Handle = void*;
using State = void*;

constexpr int kAllocatorFailure = 5;
// Whether the status means a corrupt, unsupported or truncated file, or one that needs another
// backend.
bool IsFileError(int status) { return status == 3 || status == 4 || status == 9 || status == 10; }

void Check(int status) {
  TORCH_CHECK_WITH(OutOfMemoryError, status != kAllocatorFailure,
                   "CUDA out of memory (reported by nvJPEG).");
  TORCH_CHECK(status == kSuccess, "nvJPEG failed with status ", status, ".");
}

// The limit on decoded pixels, equal to sharp's. A file can claim any size.
constexpr int64_t kMaxPixels = int64_t{16383} * 16383;

struct NvJpeg {
  explicit NvJpeg(void* library)
      : create(library, "nvjpegCreateEx"),
        destroy(library, "nvjpegDestroy"),
        create_state(library, "nvjpegJpegStateCreate"),
        destroy_state(library, "nvjpegJpegStateDestroy"),
        image_info(library, "nvjpegGetImageInfo"),
        decode(library, "nvjpegDecode"),
        initialize_batch(library, "nvjpegDecodeBatchedInitialize"),
        decode_batch(library, "nvjpegDecodeBatched") {}

  Function<int(int, void*, void*, unsigned, Handle*)> create;
  Function<int(Handle)> destroy;
  Function<int(Handle, State*)> create_state;
  Function<int(State)> destroy_state;
  Function<int(Handle, const unsigned char*, size_t, int*, int*, int*, int*)> image_info;
  Function<int(Handle, State, const unsigned char*, size_t, int, Destination*, cudaStream_t)>
      decode;
  Function<int(Handle, State, int, int, int)> initialize_batch;
  Function<int(Handle, State, const unsigned char* const*, const size_t*, Destination*,
               cudaStream_t)>
      decode_batch;
};

NvJpeg OpenFirst(const std::vector<std::string>& libraries) {
  std::string errors;
  for (const auto& library : libraries) {
    try {
      return NvJpeg(OpenLibrary(library));
    } catch (const std::runtime_error& error) {
      errors += (errors.empty() ? "" : "; ") + std::string(error.what());
    }
  }
  throw std::runtime_error("nvJPEG cannot be opened: " + errors);
}

// An nvJPEG backend with its decoding state.
class Backend {
 public:
  Backend(const NvJpeg& library, int kind) : library_(library) {
    status_ = library_.create(kind, nullptr, nullptr, 0, &handle_);
    if (status_ == kSuccess) status_ = library_.create_state(handle_, &state_);
  }
  ~Backend() {
    if (state_) library_.destroy_state(state_);
    if (handle_) library_.destroy(handle_);
  }
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  int status() const { return status_; }
  Handle handle() const { return handle_; }

  bool DecodeAll(const std::vector<EncodedImage>& jpegs, std::vector<Destination>& destinations,
                 cudaStream_t stream) const {
    std::vector<const unsigned char*> data;
    std::vector<size_t> sizes;
    for (const auto& jpeg : jpegs) {
      data.push_back(jpeg.data);
      sizes.push_back(jpeg.size);
    }
    return library_.initialize_batch(handle_, state_, static_cast<int>(jpegs.size()), 1,
                                     kInterleavedRgb) == kSuccess &&
           library_.decode_batch(handle_, state_, data.data(), sizes.data(), destinations.data(),
                                 stream) == kSuccess;
  }
  // Returns nvJPEG's status.
  int DecodeOne(const EncodedImage& jpeg, Destination& destination, cudaStream_t stream) const {
    return library_.decode(handle_, state_, jpeg.data, jpeg.size, kInterleavedRgb, &destination,
                           stream);
  }

 private:
  const NvJpeg& library_;
  Handle handle_ = nullptr;
  State state_ = nullptr;
  int status_;
};

class NvJpegDecoder final : public JpegDecoder {
 public:
  NvJpegDecoder(const std::vector<std::string>& libraries, c10::DeviceIndex device)
      : device_(device), library_(OpenFirst(libraries)) {
    const c10::cuda::CUDAGuard guard(device_);
    general_ = std::make_unique<Backend>(library_, kDefaultBackend);
    Check(general_->status());
    hardware_ = std::make_unique<Backend>(library_, kHardwareBackend);
    if (hardware_->status() != kSuccess) hardware_.reset();
    stream_ = AcquireStream(device_, StreamUse::kOther);
  }
  ~NvJpegDecoder() override { ReleaseStream(device_, StreamUse::kOther, stream_); }

  std::vector<at::Tensor> Decode(const std::vector<EncodedImage>& jpegs) override {
    const auto stream = c10::cuda::getStreamFromExternal(stream_, device_);
    const c10::cuda::CUDAStreamGuard guard(stream);
    std::vector<at::Tensor> images(jpegs.size());
    std::vector<size_t> decodable;
    for (size_t i = 0; i < jpegs.size(); i++) {
      images[i] = Allocate(jpegs[i]);
      if (images[i].defined()) decodable.push_back(i);
    }
    const bool is_done = (hardware_ && DecodeAll(*hardware_, jpegs, decodable, images)) ||
                         DecodeAll(*general_, jpegs, decodable, images);
    // A batch fails as a whole if any file fails: decode the files one by one to find which.
    for (const size_t i : is_done ? std::vector<size_t>() : decodable) {
      auto destination = DestinationOf(images[i]);
      const int status = general_->DecodeOne(jpegs[i], destination, stream_);
      if (IsFileError(status)) {
        images[i] = at::Tensor();
      } else {
        Check(status);
      }
    }
    C10_CUDA_CHECK(cudaStreamSynchronize(stream_));
    return images;
  }

 private:
  static Destination DestinationOf(const at::Tensor& image) {
    Destination destination;
    destination.channel[0] = image.data_ptr<uint8_t>();
    destination.pitch[0] = static_cast<size_t>(3 * image.size(1));
    return destination;
  }

  at::Tensor Allocate(const EncodedImage& jpeg) const {
    int components = 0;
    int subsampling = 0;
    std::array<int, kComponents> widths{};
    std::array<int, kComponents> heights{};
    if (library_.image_info(general_->handle(), jpeg.data, jpeg.size, &components, &subsampling,
                            widths.data(), heights.data()) != kSuccess) {
      return {};
    }
    const int64_t width = widths[0];
    const int64_t height = heights[0];
    // nvJPEG would interpret the four inks of CMYK as colors: report the file as not decodable.
    if (components > 3 || width < 1 || height < 1 || width * height > kMaxPixels) return {};
    return at::empty({height, width, 3},
                     at::TensorOptions(c10::Device(c10::kCUDA, device_)).dtype(at::kByte));
  }

  bool DecodeAll(const Backend& backend, const std::vector<EncodedImage>& jpegs,
                 const std::vector<size_t>& decodable,
                 const std::vector<at::Tensor>& images) const {
    if (decodable.empty()) return true;
    std::vector<EncodedImage> files;
    std::vector<Destination> destinations;
    for (const size_t i : decodable) {
      files.push_back(jpegs[i]);
      destinations.push_back(DestinationOf(images[i]));
    }
    return backend.DecodeAll(files, destinations, stream_);
  }

  const c10::DeviceIndex device_;
  const NvJpeg library_;
  std::unique_ptr<Backend> general_;
  // Null if the GPU has no hardware decoder.
  std::unique_ptr<Backend> hardware_;
  cudaStream_t stream_ = nullptr;
};

}  // namespace

std::unique_ptr<JpegDecoder> OpenNvJpeg(const std::vector<std::string>& libraries,
                                        c10::DeviceIndex device) {
  return std::make_unique<NvJpegDecoder>(libraries, device);
}

}  // namespace semisup::gpu
