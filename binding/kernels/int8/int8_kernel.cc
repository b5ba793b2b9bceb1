#include "kernels/int8/int8_kernel.h"

#include "kernels/cpu_features.h"
#include "kernels/instruction_set.h"

namespace semisup::kernels {

const Int8Kernel* ActiveInt8Kernel() {
#if defined(SEMISUP_X86_64)
  static constexpr DotPanel kAvx2Panel{.vectors = 2, .sums = 8};
  static constexpr Int8Kernel kAmx{&RunInt8BlockAmx, kAvx512Panel};
  static constexpr Int8Kernel kAvx512Vnni{&RunInt8BlockAvx512Vnni, kAvx512Panel};
  static constexpr Int8Kernel kAvx2Vnni{&RunInt8BlockAvx2Vnni, kAvx2Panel};
  static constexpr Int8Kernel kAvx2{&RunInt8BlockAvx2, kAvx2Panel};
  switch (ActiveInstructionSet()) {
    case InstructionSet::kAmx:
      return &kAmx;
    case InstructionSet::kAvx512BFloat16:
    case InstructionSet::kAvx512Vnni:
      return &kAvx512Vnni;
    case InstructionSet::kAvx2Vnni:
      return &kAvx2Vnni;
    case InstructionSet::kAvx512:
    case InstructionSet::kAvx2:
      return &kAvx2;
    default:
      return nullptr;
  }
#elif defined(SEMISUP_ARM64)
  static constexpr Int8Kernel kNeonDot{&RunInt8BlockNeonDot, kNeonPanel, /*input_offset=*/128};
  static constexpr Int8Kernel kNeonI8mm{&RunInt8BlockNeonI8mm, kNeonMatrixPanel};
  switch (ActiveInstructionSet()) {
    case InstructionSet::kNeonBFloat16:
      return &kNeonI8mm;
    case InstructionSet::kNeonDot:
      return &kNeonDot;
    default:
      return nullptr;
  }
#else
  return nullptr;
#endif
}

}  // namespace semisup::kernels
