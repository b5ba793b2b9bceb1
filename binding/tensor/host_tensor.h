#pragma once
#include <napi.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/handle.h"
#include "tensor/element_type.h"

namespace semisup {

// A dense row-major tensor in the memory of the process, without LibTorch. Both addons of a package
// read it.
struct HostTensor {
  ElementType type = ElementType::kFloat32;
  std::vector<int64_t> shape;
  std::shared_ptr<void> memory;

  // Not initialized. Throws ERR_SEMISUP_TENSOR if it is too large.
  static HostTensor Empty(ElementType type, std::vector<int64_t> shape);

  int64_t elements() const;
  int64_t bytes() const { return elements() * BytesOf(type); }
};

template <>
struct HandleTraits<HostTensor> {
  static constexpr const char* kName = "Tensor";
  static constexpr napi_type_tag kTag = {0x52c1a86e0d9f4b37, 0xd4187f3ab2c65e90};
  static constexpr bool kIsSharedByAddons = true;
};

Napi::Object WrapTensor(Napi::Env env, HostTensor tensor);

}  // namespace semisup
