#pragma once
#include <string_view>

namespace semisup::kernels {

// What the kernels are compiled for, in ascending order for each architecture.
enum class InstructionSet {
  kNone,
  kNeon,
  kNeonDot,
  kNeonBFloat16,
  kAvx2,
  kAvx2Vnni,
  kAvx512,
  kAvx512Vnni,
  kAvx512BFloat16,
  kAmx
};

// The best one that the processor supports; with SEMISUP_CPU, e.g. `avx2`, when this function is
// first called, the best one up to that. A name of no set of this architecture has no effect.
InstructionSet ActiveInstructionSet();

// The set whose float32 kernels a set uses, e.g. kAvx2 of kAvx2Vnni.
InstructionSet SimdFamily(InstructionSet set);
// E.g. `avx512_vnni`.
std::string_view NameOf(InstructionSet set);

}  // namespace semisup::kernels
