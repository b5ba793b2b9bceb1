#include "batch.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>

#include "error.h"
#include "gpu_device.h"
#include "handle.h"
#include "job.h"
#include "tensor.h"

namespace semisup {
namespace {

std::array<float, 3> ReadChannels(Napi::Value value) {
  const auto array = value.As<Napi::Array>();
  std::array<float, 3> channels;
  for (uint32_t i = 0; i < channels.size(); i++) {
    channels[i] = array.Get(i).As<Napi::Number>().FloatValue();
  }
  return channels;
}

PixelView ReadPixels(Napi::Object object) {
  const auto data = object.Get("data").As<Napi::Uint8Array>();
  PixelView pixels;
  pixels.data = data.Data();
  pixels.width = object.Get("width").As<Napi::Number>().Int64Value();
  pixels.height = object.Get("height").As<Napi::Number>().Int64Value();
  pixels.channels = object.Get("channels").As<Napi::Number>().Int32Value();
  pixels.cmyk = object.Get("cmyk").ToBoolean();
  const double bytes =
      static_cast<double>(pixels.width) * static_cast<double>(pixels.height) * pixels.channels;
  if (bytes != static_cast<double>(data.ByteLength())) {
    throw Error("ERR_SEMISUP_OPTION_VALUE", "An image's data do not fit its width and height.");
  }
  return pixels;
}

}  // namespace

TransformSpec ReadTransform(Napi::Object object) {
  return {object.Get("resize").As<Napi::Number>().Int64Value(),
          object.Get("crop").As<Napi::Number>().Int64Value(), ReadChannels(object.Get("mean")),
          ReadChannels(object.Get("std"))};
}

Napi::Value BatchImages(const Napi::CallbackInfo& info) {
  const auto array = info[1].As<Napi::Array>();
  const auto transform = ReadTransform(info[2].As<Napi::Object>());
  std::vector<PixelView> images;
  std::vector<Napi::Object> memory;
  for (uint32_t i = 0; i < array.Length(); i++) {
    const auto image = array.Get(i).As<Napi::Object>();
    images.push_back(ReadPixels(image));
    memory.push_back(image.Get("data").As<Napi::Object>());
  }

  const auto gpu = info[3].IsUndefined() ? nullptr : Unwrap<GpuDevice>(info[3])->gpu;
  auto batch = [images = std::move(images), transform, gpu] {
    return WithCode("ERR_SEMISUP_TENSOR", [&] {
      const auto count = static_cast<int64_t>(images.size());
      const auto side = transform.crop;
      auto tensor = gpu ? gpu->HostMemory({count, side, side, 3})
                        : at::empty({count, 3, side, side}, at::kFloat);
      auto* bytes = static_cast<uint8_t*>(tensor.mutable_data_ptr());
      const auto step = static_cast<int64_t>(tensor.nbytes()) / std::max<int64_t>(count, 1);
      at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) {
          auto* out = bytes + i * step;
          if (gpu) {
            TransformToBytes(images[i], transform, out);
          } else {
            Transform(images[i], transform, reinterpret_cast<float*>(out));
          }
        }
      });
      return tensor;
    });
  };
  auto result = [](Napi::Env env, at::Tensor&& tensor) -> Napi::Value {
    return WrapTensor(env, std::move(tensor));
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0]), memory}, std::move(batch), result);
}

}  // namespace semisup
