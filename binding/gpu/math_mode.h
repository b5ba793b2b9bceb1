#pragma once
#include <ATen/Context.h>

#include <mutex>

namespace semisup::gpu {

// TF32: convolutions whose products have 10 bits after the point, as PyTorch's documentation
// describes it ("TensorFloat-32 on Ampere devices"); LibTorch's own default.
inline void SetTf32(bool on) {
  const auto precision = on ? at::Float32Precision::TF32 : at::Float32Precision::IEEE;
  // LibTorch refuses to tell of a library whose operators are not all alike.
  for (const auto op : {at::Float32Op::CONV, at::Float32Op::RNN}) {
    at::globalContext().setFloat32Precision(at::Float32Backend::CUDA, op, precision);
  }
}

// While it is there, CUDA's operators compute so. LibTorch keeps that for the whole process: one
// thread at a time has its way, and only to hand work over, which takes little time.
class MathMode {
 public:
  // By measurement: convolutions whose shape is new are tried by all of cuDNN's algorithms.
  MathMode(bool tf32, bool by_measurement) : lock_(mutex()) {
    SetTf32(tf32);
    at::globalContext().setBenchmarkCuDNN(by_measurement);
  }
  ~MathMode() {
    SetTf32(false);
    at::globalContext().setBenchmarkCuDNN(false);
  }
  MathMode(const MathMode&) = delete;
  MathMode& operator=(const MathMode&) = delete;

 private:
  static std::mutex& mutex() {
    static std::mutex one;
    return one;
  }

  const std::lock_guard<std::mutex> lock_;
};

}  // namespace semisup::gpu
