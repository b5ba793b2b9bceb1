#pragma once
#include <cstdint>

namespace semisup::kernels {

enum class ActivationKind {
  kNone,
  kRelu,
  kClamp,
  kSigmoid,
  kSilu,
  kHardsigmoid,
  kHardswish,
  // With the error function, and with its approximation by tanh.
  kGelu,
  kGeluTanh,
};

// An elementwise function, as PyTorch defines it.
struct Activation {
  ActivationKind kind = ActivationKind::kNone;
  // The bounds of kClamp.
  float low = 0;
  float high = 0;
};

// Rows of elements. The output may be the input.
struct ActivationRows {
  const float* input;
  float* output;
  int64_t rows;
  int64_t columns;
  // The distance between rows.
  int64_t stride;
};

// Applies an activation, which may be kNone, to `count` elements on all threads. Requires
// ActiveKernels(). The output may be the input.
void RunActivation(const Activation& activation, const float* input, int64_t count, float* output);

}  // namespace semisup::kernels
