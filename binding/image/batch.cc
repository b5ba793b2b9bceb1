#include "image/batch.h"

#include <array>
#include <string>

#include "runtime/error.h"

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
  // In floating point, because the product of untrusted sizes may overflow.
  const double bytes =
      static_cast<double>(pixels.width) * static_cast<double>(pixels.height) * pixels.channels;
  if (bytes != static_cast<double>(data.ByteLength())) {
    throw Error("ERR_SEMISUP_OPTION_VALUE",
                "The length of an image's data does not match its width, height and channels.");
  }
  return pixels;
}

Interpolation ReadInterpolation(Napi::Value value) {
  const bool is_bicubic = value.StrictEquals(Napi::String::New(value.Env(), "bicubic"));
  return is_bicubic ? Interpolation::kBicubic : Interpolation::kBilinear;
}

Views ReadViews(Napi::Value value) {
  if (value.IsUndefined()) return Views::kCenter;
  const std::string name = value.As<Napi::String>();
  if (name == "flip") return Views::kFlip;
  if (name == "five-crop") return Views::kFiveCrop;
  return name == "ten-crop" ? Views::kTenCrop : Views::kCenter;
}

}  // namespace

ImageArguments ReadImages(Napi::Array array) {
  ImageArguments arguments;
  for (uint32_t i = 0; i < array.Length(); i++) {
    const auto image = array.Get(i).As<Napi::Object>();
    arguments.images.push_back(ReadPixels(image));
    arguments.memory.push_back(image.Get("data").As<Napi::Object>());
  }
  return arguments;
}

TransformSpec ReadTransform(Napi::Object object) {
  return {object.Get("resize").As<Napi::Number>().Int64Value(),
          object.Get("crop").As<Napi::Number>().Int64Value(),
          ReadInterpolation(object.Get("interpolation")),
          ReadChannels(object.Get("mean")),
          ReadChannels(object.Get("std")),
          ReadViews(object.Get("views"))};
}

}  // namespace semisup
