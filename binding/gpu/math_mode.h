#pragma once
#include <ATen/Context.h>

#include <mutex>

namespace semisup::gpu {

// Enables or disables TF32, which multiplies float32 convolutions with 10-bit mantissas (see
// "TensorFloat-32 on Ampere devices" in PyTorch's documentation). LibTorch enables it by default.
inline void SetTf32(bool on) {
  const auto precision = on ? at::Float32Precision::TF32 : at::Float32Precision::IEEE;
  // LibTorch throws on reading the precision of a backend whose operators differ, so set them all.
  for (const auto op : {at::Float32Op::CONV, at::Float32Op::RNN}) {
    at::globalContext().setFloat32Precision(at::Float32Backend::CUDA, op, precision);
  }
}

// Sets the math mode of CUDA operators while it exists. LibTorch has one mode per process, so this
// holds a lock. Threads hold it only while they submit work, which is brief.
class MathMode {
 public:
  // `benchmark`: cuDNN measures all its algorithms for convolutions of a new shape.
  MathMode(bool tf32, bool benchmark) : lock_(mutex()) {
    SetTf32(tf32);
    at::globalContext().setBenchmarkCuDNN(benchmark);
  }
  ~MathMode() {
    SetTf32(false);
    at::globalContext().setBenchmarkCuDNN(false);
  }
  MathMode(const MathMode&) = delete;
  MathMode& operator=(const MathMode&) = delete;

 private:
  static std::mutex& mutex() {
    static std::mutex instance;
    return instance;
  }

  const std::lock_guard<std::mutex> lock_;
};

}  // namespace semisup::gpu
