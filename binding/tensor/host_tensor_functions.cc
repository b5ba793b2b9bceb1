#include "tensor/host_tensor_functions.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "runtime/error.h"
#include "tensor/arguments.h"
#include "tensor/host_tensor.h"

namespace semisup::host {
namespace {

ElementType ReadElementType(Napi::Value value) {
  const std::string name = value.As<Napi::String>();
  if (const auto type = ElementTypeFromName(name)) return *type;
  throw Error("ERR_SEMISUP_TENSOR", "Expected the name of a dtype, but received '" + name + "'.");
}

std::string ToString(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t size : shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

// A shape for `elements`, of which one dimension may be -1.
std::vector<int64_t> CompleteShape(const HostTensor& tensor, std::vector<int64_t> shape) {
  const auto requested = shape;
  const int64_t elements = tensor.elements();
  const auto unknown = std::find(shape.begin(), shape.end(), -1);
  int64_t known = 1;
  for (const int64_t size : shape) known *= size == -1 ? 1 : size;
  if (unknown != shape.end() && known > 0 && elements % known == 0) *unknown = elements / known;
  const bool is_complete = std::find(shape.begin(), shape.end(), -1) == shape.end();
  if (is_complete && HostTensor{tensor.type, shape, nullptr}.elements() == elements) return shape;
  throw Error("ERR_SEMISUP_TENSOR", "The shape " + ToString(requested) + " is invalid for the " +
                                        std::to_string(elements) +
                                        " elements of a tensor of shape " + ToString(tensor.shape) +
                                        ".");
}

// Copies the first and last `edge` entries of each dimension that is longer than both together,
// from `dimension` on.
class EdgesOf {
 public:
  EdgesOf(const HostTensor& tensor, int64_t edge) : tensor_(tensor), edge_(edge) {}

  HostTensor Copy() {
    auto shape = tensor_.shape;
    for (auto& size : shape) size = std::min(size, 2 * edge_);
    auto edges = HostTensor::Empty(tensor_.type, std::move(shape));
    target_ = static_cast<char*>(edges.memory.get());
    if (edges.elements() > 0) CopyFrom(0, static_cast<const char*>(tensor_.memory.get()));
    return edges;
  }

 private:
  // Of an entry of a dimension.
  int64_t BytesOfEntry(size_t dimension) const {
    const std::vector<int64_t> inner(tensor_.shape.begin() + static_cast<int64_t>(dimension) + 1,
                                     tensor_.shape.end());
    return HostTensor{tensor_.type, inner, nullptr}.bytes();
  }

  void CopyFrom(size_t dimension, const char* source) {
    if (dimension == tensor_.shape.size()) {
      const auto bytes = static_cast<size_t>(BytesOf(tensor_.type));
      std::memcpy(target_, source, bytes);
      target_ += bytes;
      return;
    }
    const int64_t size = tensor_.shape[dimension];
    const int64_t bytes = BytesOfEntry(dimension);
    const bool is_long = size > 2 * edge_;
    for (int64_t i = 0; i < size; i++) {
      if (is_long && i == edge_) i = size - edge_;
      CopyFrom(dimension + 1, source + i * bytes);
    }
  }

  const HostTensor& tensor_;
  const int64_t edge_;
  char* target_ = nullptr;
};

}  // namespace

Napi::Value CreateTensor(const Napi::CallbackInfo& info) {
  const auto elements = ElementsOf(info[0].As<Napi::TypedArray>());
  const auto type = ReadElementType(info[1]);
  auto shape = ReadSizes(info[2]);
  CheckLength(HostTensor{type, shape, nullptr}.bytes(), elements);
  auto tensor = HostTensor::Empty(type, std::move(shape));
  auto* memory = static_cast<uint8_t*>(tensor.memory.get());
  if (type == ElementType::kBool) {
    // Kernels may treat a byte other than 0 and 1 as neither true nor false: normalize it.
    std::transform(elements.data, elements.data + elements.length, memory,
                   [](uint8_t byte) { return byte != 0; });
  } else if (elements.length > 0) {
    std::memcpy(memory, elements.data, elements.length);
  }
  return WrapTensor(info.Env(), std::move(tensor));
}

Napi::Value DescribeTensor(const Napi::CallbackInfo& info) {
  const auto tensor = Unwrap<HostTensor>(info[0]);
  return semisup::DescribeTensor(info.Env(), NameOf(tensor->type), tensor->shape, "cpu");
}

Napi::Value ReadTensor(const Napi::CallbackInfo& info) {
  const auto tensor = Unwrap<HostTensor>(info[0]);
  const auto elements = ElementsOf(info[1].As<Napi::TypedArray>());
  CheckLength(tensor->bytes(), elements);
  if (elements.length > 0) std::memcpy(elements.data, tensor->memory.get(), elements.length);
  return info.Env().Undefined();
}

Napi::Value ReshapeTensor(const Napi::CallbackInfo& info) {
  const auto tensor = Unwrap<HostTensor>(info[0]);
  return WrapTensor(info.Env(),
                    {tensor->type, CompleteShape(*tensor, ReadSizes(info[1])), tensor->memory});
}

Napi::Value SummarizeTensor(const Napi::CallbackInfo& info) {
  const auto tensor = Unwrap<HostTensor>(info[0]);
  const int64_t edge = info[1].As<Napi::Number>();
  return WrapTensor(info.Env(), EdgesOf(*tensor, edge).Copy());
}

Napi::Value ToHostTensor(const Napi::CallbackInfo& info) { return info[0]; }

Napi::Value DisposeTensor(const Napi::CallbackInfo& info) {
  Dispose<HostTensor>(info[0]);
  return info.Env().Undefined();
}

}  // namespace semisup::host
