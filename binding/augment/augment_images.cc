#include "augment/augment_images.h"

#include <cmath>
#include <string>
#include <utility>

#include "augment/augment.h"
#include "image/batch.h"
#include "kernels/parallel.h"
#include "runtime/error.h"
#include "runtime/job.h"
#include "tensor/host_tensor.h"

namespace semisup::augment {
namespace {

[[noreturn]] void ThrowInvalid(const std::string& what) {
  throw Error("ERR_SEMISUP_OPTION_VALUE", what);
}

// Reads a number of an untrusted object; NaN if it is none.
double ReadNumber(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  return value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
}

// An integer whose sums with others do not overflow.
int64_t ReadInteger(const Napi::Object& object, const char* name) {
  constexpr double kLimit = 1e12;
  const double value = ReadNumber(object, name);
  if (value != std::floor(value) || std::abs(value) > kLimit) {
    ThrowInvalid("Expected an integer for the " + std::string(name) + " of a crop.");
  }
  return static_cast<int64_t>(value);
}

std::variant<CenterCrop, Crop> ReadCrop(const Napi::Object& object, const PixelView& image,
                                        int64_t size) {
  if (object.Has("resize")) {
    const CenterCrop crop{ReadInteger(object, "resize")};
    if (crop.resize >= size && crop.resize <= kMaxSide) return crop;
    ThrowInvalid("Expected an integer from the size " + std::to_string(size) + " to " +
                 std::to_string(kMaxSide) + " for the resize of a crop, but received " +
                 std::to_string(crop.resize) + ".");
  }
  const bool reflects =
      object.Get("paddingMode").StrictEquals(Napi::String::New(object.Env(), "reflect"));
  const Crop crop{ReadInteger(object, "top"), ReadInteger(object, "left"),
                  ReadInteger(object, "height"), ReadInteger(object, "width"),
                  reflects ? Padding::kReflect : Padding::kConstant};
  if (IsValid(crop, image, size)) return crop;
  ThrowInvalid("Expected a crop that extends at most " + std::to_string(size) +
               " pixels beyond the image of " + std::to_string(image.width) + " x " +
               std::to_string(image.height) + " pixels, but received " +
               std::to_string(crop.width) + " x " + std::to_string(crop.height) + " pixels at (" +
               std::to_string(crop.left) + ", " + std::to_string(crop.top) + ").");
}

Operation ReadOperation(const Napi::Object& object) {
  const Napi::Value name = object.Get("name");
  const OperationType* type =
      name.IsString() ? FindOperationType(name.As<Napi::String>().Utf8Value()) : nullptr;
  if (type == nullptr) ThrowInvalid("Expected the name of an operation.");
  const bool has_value = type->least < type->most;
  const Operation operation{type, has_value ? ReadNumber(object, "value") : 0};
  if (IsValid(operation)) return operation;
  ThrowInvalid("The value of the operation " + std::string(type->name) +
               " is out of its range: " + std::to_string(operation.value) + ".");
}

// [crop, ...operations] of an image.
Augmentation ReadAugmentation(Napi::Value value, const PixelView& image, int64_t size) {
  if (!value.IsArray() || value.As<Napi::Array>().Length() == 0) {
    ThrowInvalid("Expected a crop as the first operation of an image.");
  }
  const auto array = value.As<Napi::Array>();
  const auto object = [&](uint32_t index) {
    const Napi::Value element = array.Get(index);
    if (!element.IsObject()) ThrowInvalid("Expected an object for an operation.");
    return element.As<Napi::Object>();
  };
  Augmentation augmentation{ReadCrop(object(0), image, size), {}};
  for (uint32_t i = 1; i < array.Length(); i++) {
    augmentation.operations.push_back(ReadOperation(object(i)));
  }
  return augmentation;
}

std::vector<Augmentation> ReadAugmentations(Napi::Value value, const std::vector<PixelView>& images,
                                            int64_t size) {
  if (!value.IsArray() || value.As<Napi::Array>().Length() != images.size()) {
    ThrowInvalid("Expected one list of operations for each image.");
  }
  std::vector<Augmentation> augmentations;
  for (uint32_t i = 0; i < images.size(); i++) {
    augmentations.push_back(ReadAugmentation(value.As<Napi::Array>().Get(i), images[i], size));
  }
  return augmentations;
}

}  // namespace

Napi::Value AugmentImages(const Napi::CallbackInfo& info) {
  auto [images, memory] = ReadImages(info[1].As<Napi::Array>());
  const auto spec = ReadTransform(info[3].As<Napi::Object>());
  if (spec.crop < 1 || spec.crop > kMaxSide) {
    ThrowInvalid("Expected an integer from 1 to " + std::to_string(kMaxSide) +
                 " for the size, but received " + std::to_string(spec.crop) + ".");
  }
  auto augmentations = ReadAugmentations(info[2], images, spec.crop);
  auto work = [images = std::move(images), augmentations = std::move(augmentations), spec] {
    return WithCode("ERR_SEMISUP_TENSOR", [&] {
      const auto count = static_cast<int64_t>(images.size());
      auto batch = HostTensor::Empty(ElementType::kFloat32, {count, 3, spec.crop, spec.crop});
      auto* values = static_cast<float*>(batch.memory.get());
      const int64_t stride = 3 * spec.crop * spec.crop;
      kernels::ParallelFor(count, /*grain=*/1, [&](int64_t begin, int64_t end, int64_t) {
        for (int64_t i = begin; i < end; i++) {
          Augment(images[i], augmentations[i], spec, values + i * stride);
        }
      });
      return batch;
    });
  };
  auto result = [](Napi::Env env, HostTensor&& batch) -> Napi::Value {
    return WrapTensor(env, std::move(batch));
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0]), memory}, std::move(work), result);
}

}  // namespace semisup::augment
