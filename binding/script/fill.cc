#include "script/fill.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "runtime/error.h"
#include "script/dtype.h"
#include "tensor/arguments.h"

namespace semisup {
namespace {

// The bytes from the first element of the view to the end of its last.
size_t ExtentOf(const StridedView& view) {
  const auto& [data, length, dtype, shape, stride] = view;
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  const auto elements = static_cast<int64_t>(length / c10::elementSize(dtype));
  int64_t last = 0;
  for (size_t i = 0; i < shape.size(); i++) {
    // The shape and strides are untrusted and their product may overflow: compare by division.
    if (stride[i] < 0 || (stride[i] > 0 && shape[i] - 1 > (elements - last) / stride[i])) {
      throw Error("ERR_SEMISUP_TENSOR", "The strides exceed the bounds of the data.");
    }
    last += (shape[i] - 1) * stride[i];
  }
  return static_cast<size_t>(last + 1) * c10::elementSize(dtype);
}

}  // namespace

StridedView ReadStridedView(Napi::Uint8Array bytes, Napi::Object view) {
  return {bytes.Data(), bytes.ByteLength(), DTypeFromName(view.Get("dtype").As<Napi::String>()),
          ReadSizes(view.Get("shape")), ReadSizes(view.Get("stride"))};
}

void Fill(at::Tensor target, const StridedView& source, const std::string& name) {
  if (target.sizes() != c10::IntArrayRef(source.shape) ||
      source.shape.size() != source.stride.size()) {
    throw Error("ERR_SEMISUP_TENSOR",
                "The shape of the data does not match that of '" + name + "'.");
  }
  if (ExtentOf(source) != source.length) {
    throw Error("ERR_SEMISUP_TENSOR", "Expected " + std::to_string(ExtentOf(source)) +
                                          " bytes for '" + name + "', but received " +
                                          std::to_string(source.length) + ".");
  }
  if (source.length == 0) return;
  // Kernels load whole elements, so data that is not aligned to them is copied first.
  std::unique_ptr<uint8_t[]> aligned;
  const uint8_t* data = source.data;
  if (reinterpret_cast<uintptr_t>(data) % c10::elementSize(source.dtype) != 0) {
    aligned = std::make_unique_for_overwrite<uint8_t[]>(source.length);
    std::memcpy(aligned.get(), data, source.length);
    data = aligned.get();
  }
  const at::NoGradGuard no_grad;
  target.copy_(
      at::from_blob(const_cast<uint8_t*>(data), source.shape, source.stride, source.dtype));
}

}  // namespace semisup
