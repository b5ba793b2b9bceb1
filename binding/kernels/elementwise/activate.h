#pragma once
#include "kernels/elementwise/activation.h"
#include "kernels/simd/simd.h"

namespace semisup::kernels::SEMISUP_SIMD {

// Applies an activation, which may be kNone.
void Activate(const Activation& activation, const ActivationRows& rows);

// Applies it in place, to outputs that are still in the cache.
inline void ActivateOutput(const Activation& activation, float* output, int64_t rows,
                           int64_t columns, int64_t stride) {
  if (activation.kind == ActivationKind::kNone) return;
  Activate(activation,
           {.input = output, .output = output, .rows = rows, .columns = columns, .stride = stride});
}

}  // namespace semisup::kernels::SEMISUP_SIMD
