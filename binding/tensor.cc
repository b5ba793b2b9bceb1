#include "tensor.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <cstring>
#include <sstream>

#include "await_device.h"
#include "dtype.h"
#include "error.h"
#include "handle.h"
#include "job.h"

namespace semisup {
namespace {

struct Elements {
  uint8_t* data;
  size_t length;
};

// Asked for by Node-API itself: the array may lie in a SharedArrayBuffer.
Elements ElementsOf(const Napi::TypedArray& array) {
  void* data = nullptr;
  napi_get_typedarray_info(array.Env(), array, nullptr, nullptr, &data, nullptr, nullptr);
  return {static_cast<uint8_t*>(data), array.ByteLength()};
}

void CheckLength(const at::Tensor& tensor, const Elements& elements) {
  if (tensor.nbytes() == elements.length) return;
  throw Error("ERR_SEMISUP_TENSOR",
              "The elements of the tensor take " + std::to_string(tensor.nbytes()) +
                  " bytes but the array has " + std::to_string(elements.length) + ".");
}

// Whether its memory holds just its elements, row-major.
bool IsPlain(const at::Tensor& tensor) {
  return tensor.is_cpu() && tensor.is_contiguous() && !tensor.is_neg() && !tensor._is_zerotensor();
}

void CheckLayout(const at::Tensor& tensor) {
  if (tensor.layout() == c10::kStrided && !tensor.is_nested()) return;
  std::ostringstream layout;
  layout << tensor.layout();
  throw Error("ERR_SEMISUP_TENSOR", "Tensors of layout " + layout.str() + " cannot be read.");
}

}  // namespace

Napi::Object WrapTensor(Napi::Env env, at::Tensor tensor) {
  CheckLayout(tensor);
  NameOfDType(tensor.scalar_type());
  // Its owner may change its shape or dtype, which are read by JS later.
  tensor = tensor.detach();
  const auto bytes = static_cast<int64_t>(tensor.nbytes());
  return Wrap(env, std::make_shared<Tensor>(Tensor{std::move(tensor)}), bytes);
}

std::vector<int64_t> ToSizes(Napi::Value value) {
  const auto array = value.As<Napi::Array>();
  std::vector<int64_t> sizes(array.Length());
  for (uint32_t i = 0; i < sizes.size(); i++) {
    sizes[i] = array.Get(i).As<Napi::Number>().Int64Value();
  }
  return sizes;
}

Napi::Value CreateTensor(const Napi::CallbackInfo& info) {
  const auto elements = ElementsOf(info[0].As<Napi::TypedArray>());
  const auto dtype = DTypeFromName(info[1].As<Napi::String>());
  const auto shape = ToSizes(info[2]);
  auto tensor = WithCode("ERR_SEMISUP_TENSOR", [&] { return at::empty(shape, dtype); });
  CheckLength(tensor, elements);
  auto* memory = static_cast<uint8_t*>(tensor.mutable_data_ptr());
  if (dtype == c10::kBool) {
    // Kernels may take any other byte for neither true nor false.
    std::transform(elements.data, elements.data + elements.length, memory,
                   [](uint8_t byte) { return byte != 0; });
  } else if (elements.length > 0) {
    std::memcpy(memory, elements.data, elements.length);
  }
  return WrapTensor(info.Env(), std::move(tensor));
}

Napi::Value DescribeTensor(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto tensor = Unwrap<Tensor>(info[0])->tensor;
  auto shape = Napi::Array::New(env, tensor.dim());
  for (int64_t i = 0; i < tensor.dim(); i++) {
    shape.Set(static_cast<uint32_t>(i),
              Napi::Number::New(env, static_cast<double>(tensor.size(i))));
  }
  auto description = Napi::Object::New(env);
  description.Set("dtype", NameOfDType(tensor.scalar_type()));
  description.Set("shape", shape);
  description.Set("device", tensor.device().str());
  return description;
}

Napi::Value ReadTensor(const Napi::CallbackInfo& info) {
  const auto tensor = Unwrap<Tensor>(info[0])->tensor;
  const auto elements = ElementsOf(info[1].As<Napi::TypedArray>());
  CheckLength(tensor, elements);
  WithCode("ERR_SEMISUP_TENSOR", [&] {
    if (elements.length == 0) return;
    if (IsPlain(tensor)) {
      std::memcpy(elements.data, tensor.const_data_ptr(), elements.length);
      return;
    }
    const at::NoGradGuard no_grad;
    at::from_blob(elements.data, tensor.sizes(), tensor.scalar_type()).copy_(tensor);
  });
  return info.Env().Undefined();
}

Napi::Value ConvertTensor(const Napi::CallbackInfo& info) {
  const auto tensor = Unwrap<Tensor>(info[0])->tensor;
  const c10::Device device(info[1].As<Napi::String>().Utf8Value());
  const auto dtype = DTypeFromName(info[2].As<Napi::String>());
  return WrapTensor(info.Env(), WithCode("ERR_SEMISUP_TENSOR", [&] {
                      auto converted = tensor.to(device, dtype);
                      AwaitDevice(converted.device());
                      return converted;
                    }));
}

Napi::Value MoveTensor(const Napi::CallbackInfo& info) {
  const auto tensor = Unwrap<Tensor>(info[1])->tensor;
  const c10::Device device(info[2].As<Napi::String>().Utf8Value());
  auto move = [tensor, device] {
    return WithCode("ERR_SEMISUP_TENSOR", [&] {
      const at::NoGradGuard no_grad;
      return tensor.to(device);
    });
  };
  auto result = [](Napi::Env env, at::Tensor&& moved) -> Napi::Value {
    return WrapTensor(env, std::move(moved));
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(move), result);
}

Napi::Value ReshapeTensor(const Napi::CallbackInfo& info) {
  const auto tensor = Unwrap<Tensor>(info[0])->tensor;
  const auto shape = ToSizes(info[1]);
  return WrapTensor(info.Env(), WithCode("ERR_SEMISUP_TENSOR", [&] {
                      auto reshaped = tensor.reshape(shape);
                      AwaitDevice(reshaped.device());
                      return reshaped;
                    }));
}

Napi::Value DisposeTensor(const Napi::CallbackInfo& info) {
  Dispose<Tensor>(info[0]);
  return info.Env().Undefined();
}

}  // namespace semisup
