#include "kernels/bfloat16/bfloat16_kernel.h"

#include "kernels/cpu_features.h"
#include "kernels/instruction_set.h"

namespace semisup::kernels {

const BFloat16Kernel* ActiveBFloat16Kernel() {
#if defined(SEMISUP_X86_64)
  static constexpr BFloat16Kernel kAmx{&RunBFloat16BlockAmx, kAvx512Panel};
  static constexpr BFloat16Kernel kAvx512BFloat16{&RunBFloat16BlockAvx512, kAvx512Panel,
                                                  &RunBFloat16WinogradBlockAvx512};
  switch (ActiveInstructionSet()) {
    case InstructionSet::kAmx:
      return &kAmx;
    case InstructionSet::kAvx512BFloat16:
      return &kAvx512BFloat16;
    default:
      return nullptr;
  }
#elif defined(SEMISUP_ARM64)
  static constexpr BFloat16Kernel kNeonBFloat16{&RunBFloat16BlockNeon, kNeonMatrixPanel};
  return ActiveInstructionSet() == InstructionSet::kNeonBFloat16 ? &kNeonBFloat16 : nullptr;
#else
  return nullptr;
#endif
}

}  // namespace semisup::kernels
