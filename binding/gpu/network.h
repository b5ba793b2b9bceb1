#pragma once
#include <ATen/core/Tensor.h>

#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "../plan/program.h"

namespace semisup::gpu {

// Whether cuDNN's convolutions add and rectify too, where it has such. With traps it shows whether
// they depend on what they find where they write to: numbers that are none lie there.
enum class Fusion { kNone, kFused, kFusedWithTraps };

// What a network computes in.
struct Arithmetic {
  at::ScalarType dtype = at::kFloat;
  // See MathMode.
  bool tf32 = false;

  // By how much of the largest number an output may differ.
  double tolerance() const { return dtype == at::kFloat && !tf32 ? 1e-3 : 5e-2; }
};

// Of values scaled to 0..1, per channel.
struct Normalisation {
  std::array<float, 3> mean, std;
};

// Makes of bytes [n, h, w, 3] what a network takes, float32 [n, 3, h, w]; leaves all else.
class Normaliser {
 public:
  Normaliser(const Normalisation& normalisation, c10::Device device);
  at::Tensor operator()(const at::Tensor& images) const;

 private:
  // Per channel.
  at::Tensor scale_;
  at::Tensor shift_;
};

// A method of a frozen module as operators of a device, its weights there once, channels-last.
class Network {
 public:
  Network(plan::Program program, c10::Device device, Arithmetic arithmetic,
          const Normalisation& normalisation);

  // Of images on the device: float32 [n, c, h, w], or bytes [n, h, w, 3], which it normalises.
  // Gives float32. `by_measurement`: see MathMode.
  at::Tensor Run(const at::Tensor& images, Fusion fusion, bool by_measurement) const;
  const Arithmetic& arithmetic() const { return arithmetic_; }

 private:
  struct Step {
    std::optional<plan::ConvolutionSpec> convolution;
    std::function<void(torch::jit::Stack&)> operation;
    std::vector<int> inputs;
    int output = 0;
    std::vector<int> last_uses;
  };

  const Arithmetic arithmetic_;
  const Normaliser normalise_;
  std::vector<Step> steps_;
  plan::Values constants_;
  int input_;
  int output_;
};

}  // namespace semisup::gpu
