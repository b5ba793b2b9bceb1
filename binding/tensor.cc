#include "tensor.h"

#include <ATen/ops/empty.h>

#include <cstring>

#include "dtype.h"
#include "error.h"
#include "handle.h"

namespace semisup {

Napi::Object WrapTensor(Napi::Env env, at::Tensor tensor) {
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
  const auto data = info[0].As<Napi::TypedArray>();
  const auto dtype = DTypeFromName(info[1].As<Napi::String>());
  const auto shape = ToSizes(info[2]);
  auto tensor = WithCode("ERR_SEMISUP_TENSOR", [&] { return at::empty(shape, dtype); });
  if (tensor.nbytes() != data.ByteLength()) {
    throw Error("ERR_SEMISUP_TENSOR",
                "A tensor of this shape takes " + std::to_string(tensor.nbytes()) +
                    " bytes but the data have " + std::to_string(data.ByteLength()) + ".");
  }
  // Asked for by Node-API itself: the array may lie in a SharedArrayBuffer.
  void* bytes = nullptr;
  napi_get_typedarray_info(info.Env(), data, nullptr, nullptr, &bytes, nullptr, nullptr);
  if (tensor.nbytes() > 0) std::memcpy(tensor.data_ptr(), bytes, tensor.nbytes());
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
  const auto object = Unwrap<Tensor>(info[0]);
  const auto tensor =
      WithCode("ERR_SEMISUP_TENSOR", [&] { return object->tensor.cpu().contiguous(); });
  // Electron allows no memory but V8's own behind an ArrayBuffer, hence the copy.
  auto buffer = Napi::ArrayBuffer::New(info.Env(), tensor.nbytes());
  if (tensor.nbytes() > 0) std::memcpy(buffer.Data(), tensor.const_data_ptr(), tensor.nbytes());
  return buffer;
}

Napi::Value ConvertTensor(const Napi::CallbackInfo& info) {
  const auto tensor = Unwrap<Tensor>(info[0])->tensor;
  const c10::Device device(info[1].As<Napi::String>().Utf8Value());
  const auto dtype = DTypeFromName(info[2].As<Napi::String>());
  return WrapTensor(info.Env(),
                    WithCode("ERR_SEMISUP_TENSOR", [&] { return tensor.to(device, dtype); }));
}

Napi::Value ReshapeTensor(const Napi::CallbackInfo& info) {
  const auto tensor = Unwrap<Tensor>(info[0])->tensor;
  const auto shape = ToSizes(info[1]);
  return WrapTensor(info.Env(),
                    WithCode("ERR_SEMISUP_TENSOR", [&] { return tensor.reshape(shape); }));
}

Napi::Value DisposeTensor(const Napi::CallbackInfo& info) {
  Dispose<Tensor>(info[0]);
  return info.Env().Undefined();
}

}  // namespace semisup
