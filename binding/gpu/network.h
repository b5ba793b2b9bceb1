#pragma once
#include <ATen/core/Tensor.h>

#include <array>
#include <vector>

#include "program/numerics.h"
#include "program/program.h"

namespace semisup::gpu {

// Whether convolutions with a ReLU run as cuDNN's fused operators, if it has one for them.
// kFusedWithTraps first fills the memory that an output will occupy with NaN: a fused operator that
// reads its output then yields NaN.
enum class Fusion { kNone, kFused, kFusedWithTraps };

// Mean and standard deviation per channel, for values scaled to 0..1.
struct Normalization {
  std::array<float, 3> mean, std;
};

// Converts uint8 [n, h, w, 3] to normalized float32 [n, 3, h, w]; returns other tensors unchanged.
class Normalizer {
 public:
  Normalizer(const Normalization& normalization, c10::Device device);
  at::Tensor operator()(const at::Tensor& images) const;

 private:
  at::Tensor scale_;
  at::Tensor shift_;
};

// A program for a device, with one copy of the weights in its memory, channels-last.
class Network {
 public:
  Network(program::Program program, c10::Device device, program::ComputePrecision precision,
          const Normalization& normalization);

  // Takes images on the device: float32 [n, c, h, w], or uint8 [n, h, w, 3], which are normalized.
  // Returns all outputs in float32. `benchmark`: see MathMode.
  std::vector<at::Tensor> Run(const at::Tensor& images, Fusion fusion, bool benchmark) const;
  size_t output_count() const { return program_.outputs.size(); }
  double tolerance() const { return program::ToleranceOf(precision_); }

 private:
  const program::ComputePrecision precision_;
  const Normalizer normalizer_;
  program::Program program_;
};

}  // namespace semisup::gpu
