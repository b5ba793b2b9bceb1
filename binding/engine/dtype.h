#pragma once
#include <cstdint>

#include "kernels/bfloat16/bfloat16.h"

namespace semisup::engine {

// The types of elements that kernels compute with. Bytes are quantized.
enum class DType : uint8_t { kFloat32, kBFloat16, kUInt8 };

template <class T>
constexpr DType kDType = DType::kFloat32;
template <>
constexpr DType kDType<kernels::BFloat16> = DType::kBFloat16;
template <>
constexpr DType kDType<uint8_t> = DType::kUInt8;

inline int64_t SizeOf(DType dtype) {
  constexpr int64_t kSizes[] = {4, 2, 1};
  return kSizes[static_cast<int>(dtype)];
}

// Returns body(T*), with a null pointer to the elements' type.
template <class Body>
auto WithElements(DType dtype, const Body& body) {
  if (dtype == DType::kBFloat16) return body(static_cast<kernels::BFloat16*>(nullptr));
  if (dtype == DType::kUInt8) return body(static_cast<uint8_t*>(nullptr));
  return body(static_cast<float*>(nullptr));
}

}  // namespace semisup::engine
