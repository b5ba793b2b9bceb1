#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

#include <string>
#include <vector>

namespace semisup {

// A view of bytes as a tensor.
struct StridedView {
  const uint8_t* data;
  size_t length;
  c10::ScalarType dtype;
  std::vector<int64_t> shape;
  std::vector<int64_t> stride;
};

// `view` is a TensorView of src/types.ts. The bytes are not copied.
StridedView ReadStridedView(Napi::Uint8Array bytes, Napi::Object view);

// Copies the view into a tensor, which errors call `name`. Throws ERR_SEMISUP_TENSOR if their
// shapes differ, or the view exceeds the bytes.
void Fill(at::Tensor target, const StridedView& source, const std::string& name);

}  // namespace semisup
