#include "tensor/host_tensor.h"

#include <algorithm>
#include <functional>
#include <new>
#include <numeric>
#include <string>
#include <utility>

#include "engine/memory.h"
#include "runtime/error.h"

namespace semisup {
namespace {

// The strides of a tensor without elements must fit 64 bits, too.
void CheckSize(ElementType type, const std::vector<int64_t>& shape) {
  constexpr double kMaxBytes = 9e18;
  auto bytes = static_cast<double>(BytesOf(type));
  for (const int64_t size : shape) bytes *= static_cast<double>(std::max(size, int64_t{1}));
  if (bytes > kMaxBytes) throw Error("ERR_SEMISUP_TENSOR", "The shape of the tensor is too large.");
}

}  // namespace

HostTensor HostTensor::Empty(ElementType type, std::vector<int64_t> shape) {
  CheckSize(type, shape);
  HostTensor tensor{type, std::move(shape), nullptr};
  const auto bytes = tensor.bytes();
  try {
    tensor.memory = engine::AllocateShared(static_cast<size_t>(bytes));
  } catch (const std::bad_alloc&) {
    throw Error("ERR_SEMISUP_TENSOR",
                "There is not enough memory for a tensor of " + std::to_string(bytes) + " bytes.");
  }
  return tensor;
}

int64_t HostTensor::elements() const {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

Napi::Object WrapTensor(Napi::Env env, HostTensor tensor) {
  const auto bytes = tensor.bytes();
  return Wrap(env, std::make_shared<HostTensor>(std::move(tensor)), bytes);
}

}  // namespace semisup
