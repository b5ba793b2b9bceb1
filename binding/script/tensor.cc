#include "script/tensor.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <c10/core/Allocator.h>

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
#include "tensor/arguments.h"
#include "tensor/host_tensor.h"
#include "tensor/host_tensor_functions.h"

namespace semisup {
namespace {

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

bool IsTensor(Napi::Value handle) {
  return IsHandleOf<Tensor>(handle) || IsHandleOf<HostTensor>(handle);
}

at::Tensor TensorOf(Napi::Value handle) {
  if (!IsHandleOf<HostTensor>(handle)) return Unwrap<Tensor>(handle)->tensor;
  const auto host = Unwrap<HostTensor>(handle);
  auto owner = std::make_unique<std::shared_ptr<void>>(host->memory);
  const auto release = [](void* context) { delete static_cast<std::shared_ptr<void>*>(context); };
  // TorchScript may resize it: its storage then moves to memory of LibTorch.
  return at::for_blob(host->memory.get(), host->shape)
      .context(owner.release(), release)
      .allocator(c10::GetAllocator(c10::kCPU))
      .resizeable_storage()
      .options(DTypeFromName(NameOf(host->type)))
      .make_tensor();
}

Napi::Value DescribeTensor(const Napi::CallbackInfo& info) {
  const auto tensor = TensorOf(info[0]);
  return DescribeTensor(info.Env(), DTypeName(tensor.scalar_type()), tensor.sizes().vec(),
                        tensor.device().str().c_str());
}

Napi::Value ReadTensor(const Napi::CallbackInfo& info) {
  const auto tensor = TensorOf(info[0]);
  const auto elements = ElementsOf(info[1].As<Napi::TypedArray>());
  CheckLength(static_cast<int64_t>(tensor.nbytes()), elements);
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
  const auto tensor = TensorOf(info[0]);
  const c10::Device device(info[1].As<Napi::String>().Utf8Value());
  const auto dtype = DTypeFromName(info[2].As<Napi::String>());
  return WrapTensor(info.Env(), WithCode("ERR_SEMISUP_TENSOR", [&] {
                      auto converted = tensor.to(device, dtype);
                      AwaitDevice(converted.device());
                      return converted;
                    }));
}

Napi::Value MoveTensor(const Napi::CallbackInfo& info) {
  const auto tensor = TensorOf(info[1]);
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
  const auto tensor = TensorOf(info[0]);
  const auto shape = ReadSizes(info[1]);
  return WrapTensor(info.Env(), WithCode("ERR_SEMISUP_TENSOR", [&] {
                      auto reshaped = tensor.reshape(shape);
                      AwaitDevice(reshaped.device());
                      return reshaped;
                    }));
}

Napi::Value SummarizeTensor(const Napi::CallbackInfo& info) {
  const auto tensor = TensorOf(info[0]);
  const int64_t edge = info[1].As<Napi::Number>();
  return WrapTensor(info.Env(), WithCode("ERR_SEMISUP_TENSOR", [&] {
                      const at::NoGradGuard no_grad;
                      auto edges = Edges(tensor, edge);
                      AwaitDevice(edges.device());
                      return edges;
                    }));
}

Napi::Value ToHostTensor(const Napi::CallbackInfo& info) {
  if (IsHandleOf<HostTensor>(info[0])) return info[0];
  const auto tensor = TensorOf(info[0]);
  return WrapTensor(info.Env(), WithCode("ERR_SEMISUP_TENSOR", [&] {
                      // A tensor that is known to be zero may have no memory.
                      const auto dense =
                          tensor._is_zerotensor()
                              ? at::zeros(tensor.sizes(), tensor.scalar_type())
                              : tensor.cpu().contiguous().resolve_conj().resolve_neg();
                      return HostTensor{*ElementTypeFromName(DTypeName(dense.scalar_type())),
                                        dense.sizes().vec(),
                                        {std::make_shared<at::Tensor>(dense), dense.data_ptr()}};
                    }));
}

Napi::Value DisposeTensor(const Napi::CallbackInfo& info) {
  if (IsHandleOf<HostTensor>(info[0])) return host::DisposeTensor(info);
  Dispose<Tensor>(info[0]);
  return info.Env().Undefined();
}

}  // namespace semisup
