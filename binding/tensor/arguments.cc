#include "tensor/arguments.h"

#include <string>

#include "runtime/error.h"

namespace semisup {

// Calls Node-API directly, because Napi::ArrayBuffer cannot represent a SharedArrayBuffer, which
// may back the array.
ElementBytes ElementsOf(const Napi::TypedArray& array) {
  void* data = nullptr;
  napi_get_typedarray_info(array.Env(), array, nullptr, nullptr, &data, nullptr, nullptr);
  return {static_cast<uint8_t*>(data), array.ByteLength()};
}

void CheckLength(int64_t tensor_bytes, const ElementBytes& elements) {
  if (tensor_bytes == static_cast<int64_t>(elements.length)) return;
  throw Error("ERR_SEMISUP_TENSOR", "Expected " + std::to_string(tensor_bytes) +
                                        " bytes for the elements of the tensor, but received " +
                                        std::to_string(elements.length) + ".");
}

std::vector<int64_t> ReadSizes(Napi::Value value) {
  const auto array = value.As<Napi::Array>();
  std::vector<int64_t> sizes(array.Length());
  for (uint32_t i = 0; i < sizes.size(); i++) {
    sizes[i] = array.Get(i).As<Napi::Number>().Int64Value();
  }
  return sizes;
}

Napi::Object DescribeTensor(Napi::Env env, const char* dtype, const std::vector<int64_t>& shape,
                            const char* device) {
  auto sizes = Napi::Array::New(env, shape.size());
  for (uint32_t i = 0; i < shape.size(); i++) sizes.Set(i, static_cast<double>(shape[i]));
  auto description = Napi::Object::New(env);
  description.Set("dtype", dtype);
  description.Set("shape", sizes);
  description.Set("device", device);
  return description;
}

}  // namespace semisup
