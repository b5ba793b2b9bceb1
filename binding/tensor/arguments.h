#pragma once
#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace semisup {

// The memory of a typed array.
struct ElementBytes {
  uint8_t* data;
  size_t length;
};

ElementBytes ElementsOf(const Napi::TypedArray& array);
// Throws ERR_SEMISUP_TENSOR unless the array has the bytes of a tensor.
void CheckLength(int64_t tensor_bytes, const ElementBytes& elements);
// Reads a JS array of sizes or strides.
std::vector<int64_t> ReadSizes(Napi::Value value);
// { dtype, shape, device }.
Napi::Object DescribeTensor(Napi::Env env, const char* dtype, const std::vector<int64_t>& shape,
                            const char* device);

}  // namespace semisup
