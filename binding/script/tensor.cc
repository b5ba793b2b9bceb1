#include "script/tensor.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "runtime/error.h"
#include "runtime/handle.h"
#include "runtime/job.h"
#include "script/await_device.h"
#include "script/dtype.h"

namespace semisup {
namespace {

struct ElementBytes {
  uint8_t* data;
  size_t length;
};

// Calls Node-API directly, because Napi::ArrayBuffer cannot represent a SharedArrayBuffer, which
// may back the array.
ElementBytes ElementsOf(const Napi::TypedArray& array) {
  void* data = nullptr;
  napi_get_typedarray_info(array.Env(), array, nullptr, nullptr, &data, nullptr, nullptr);
  return {static_cast<uint8_t*>(data), array.ByteLength()};
}

void CheckLength(const at::Tensor& tensor, const ElementBytes& elements) {
  if (tensor.nbytes() == elements.length) return;
  throw Error("ERR_SEMISUP_TENSOR", "Expected " + std::to_string(tensor.nbytes()) +
                                        " bytes for the elements of the tensor, but received " +
                                        std::to_string(elements.length) + ".");
}

// Whether the memory holds exactly the elements, in row-major order.
bool CanCopyBytes(const at::Tensor& tensor) {
  return tensor.is_cpu() && tensor.is_contiguous() && !tensor.is_conj() && !tensor.is_neg() &&
         !tensor._is_zerotensor();
}

void CheckLayout(const at::Tensor& tensor) {
  if (tensor.layout() == c10::kStrided && !tensor.is_nested()) return;
  std::ostringstream layout;
  layout << tensor.layout();
  throw Error("ERR_SEMISUP_TENSOR_UNSUPPORTED",
              "A tensor of layout " + layout.str() + " has no JavaScript equivalent.");
}

// The first and last `edge` entries of each dimension that is longer than both together. Only the
// result is allocated: each dimension is first split into a view of two windows of `edge` entries.
at::Tensor Edges(at::Tensor tensor, int64_t edge) {
  auto shape = tensor.sizes().vec();
  for (int64_t i = tensor.dim() - 1; i >= 0; i--) {
    const int64_t length = shape[i];
    if (length <= 2 * edge) continue;
    shape[i] = 2 * edge;
    tensor = tensor.unfold(i, edge, length - edge).movedim(-1, i + 1);
  }
  return tensor.reshape(shape);
}

}  // namespace

Napi::Object WrapTensor(Napi::Env env, at::Tensor tensor) {
  CheckLayout(tensor);
  // Throws for an unsupported dtype.
  DTypeName(tensor.scalar_type());
  // The owner may change its shape or dtype, which JavaScript reads later: detach.
  tensor = tensor.detach();
  // An expanded tensor has more elements than memory. V8 aborts on an amount of 2^60 bytes or more.
  const auto bytes = static_cast<int64_t>(std::min(tensor.nbytes(), tensor.storage().nbytes()));
  return Wrap(env, std::make_shared<Tensor>(Tensor{std::move(tensor)}), bytes);
}

std::vector<int64_t> ReadSizes(Napi::Value value) {
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
  const auto shape = ReadSizes(info[2]);
  auto tensor = WithCode("ERR_SEMISUP_TENSOR", [&] { return at::empty(shape, dtype); });
  CheckLength(tensor, elements);
  auto* memory = static_cast<uint8_t*>(tensor.mutable_data_ptr());
  if (dtype == c10::kBool) {
    // Kernels may treat a byte other than 0 and 1 as neither true nor false: normalize it.
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
  description.Set("dtype", DTypeName(tensor.scalar_type()));
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
    if (CanCopyBytes(tensor)) {
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
  const auto shape = ReadSizes(info[1]);
  return WrapTensor(info.Env(), WithCode("ERR_SEMISUP_TENSOR", [&] {
                      auto reshaped = tensor.reshape(shape);
                      AwaitDevice(reshaped.device());
                      return reshaped;
                    }));
}

Napi::Value SummarizeTensor(const Napi::CallbackInfo& info) {
  const auto tensor = Unwrap<Tensor>(info[0])->tensor;
  const int64_t edge = info[1].As<Napi::Number>();
  return WrapTensor(info.Env(), WithCode("ERR_SEMISUP_TENSOR", [&] {
                      const at::NoGradGuard no_grad;
                      auto edges = Edges(tensor, edge);
                      AwaitDevice(edges.device());
                      return edges;
                    }));
}

Napi::Value DisposeTensor(const Napi::CallbackInfo& info) {
  Dispose<Tensor>(info[0]);
  return info.Env().Undefined();
}

}  // namespace semisup
