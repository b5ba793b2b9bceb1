#include "kernels/simd_kernels.h"

#include "kernels/cpu_features.h"
#include "kernels/instruction_set.h"

namespace semisup::kernels {

// Defined by simd_kernels_simd.cc.
namespace avx512 {
extern const SimdKernels kKernels;
}
namespace avx2 {
extern const SimdKernels kKernels;
}
namespace neon {
extern const SimdKernels kKernels;
}

const SimdKernels* ActiveKernels() {
  switch (SimdFamily(ActiveInstructionSet())) {
#if defined(SEMISUP_X86_64)
    case InstructionSet::kAvx512:
      return &avx512::kKernels;
    case InstructionSet::kAvx2:
      return &avx2::kKernels;
#elif defined(SEMISUP_ARM64)
    case InstructionSet::kNeon:
      return &neon::kKernels;
#endif
    default:
      return nullptr;
  }
}

}  // namespace semisup::kernels
