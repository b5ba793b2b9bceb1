#include "kernels/instruction_set.h"

#include <array>
#include <cstdlib>

#include "kernels/cpu_features.h"

namespace semisup::kernels {
namespace {

// Those of this architecture, in ascending order.
constexpr std::array kSets{
    InstructionSet::kNone,
#if defined(SEMISUP_ARM64)
    InstructionSet::kNeon,
    InstructionSet::kNeonDot,
    InstructionSet::kNeonBFloat16,
#else
    InstructionSet::kAvx2,       InstructionSet::kAvx2Vnni,       InstructionSet::kAvx512,
    InstructionSet::kAvx512Vnni, InstructionSet::kAvx512BFloat16, InstructionSet::kAmx,
#endif
};

bool IsSupported(InstructionSet set) {
  switch (set) {
    case InstructionSet::kNone:
    case InstructionSet::kNeon:
      return true;
    case InstructionSet::kNeonDot:
      return HasNeonDot();
    case InstructionSet::kNeonBFloat16:
      return HasNeonDot() && HasBFloat16() && HasNeonI8mm();
    case InstructionSet::kAvx2:
      return HasAvx2();
    case InstructionSet::kAvx2Vnni:
      return HasAvx2() && HasAvxVnni();
    case InstructionSet::kAvx512:
      return HasAvx512();
    case InstructionSet::kAvx512Vnni:
      return HasAvx512Vnni();
    case InstructionSet::kAvx512BFloat16:
      return HasAvx512Vnni() && HasBFloat16();
    case InstructionSet::kAmx:
      return HasAvx512Vnni() && HasBFloat16() && HasAmx();
  }
  return false;
}

InstructionSet Select() {
  const char* limit = std::getenv("SEMISUP_CPU");
  auto best = InstructionSet::kNone;
  for (const auto set : kSets) {
    if (IsSupported(set)) best = set;
    if (limit && NameOf(set) == limit) break;
  }
  return best;
}

}  // namespace

InstructionSet ActiveInstructionSet() {
  static const auto set = Select();
  return set;
}

InstructionSet SimdFamily(InstructionSet set) {
  for (const auto family :
       {InstructionSet::kAvx512, InstructionSet::kAvx2, InstructionSet::kNeon}) {
    if (set >= family) return family;
  }
  return InstructionSet::kNone;
}

std::string_view NameOf(InstructionSet set) {
  switch (set) {
    case InstructionSet::kNone:
      return "none";
    case InstructionSet::kNeon:
      return "neon";
    case InstructionSet::kNeonDot:
      return "neon_dot";
    case InstructionSet::kNeonBFloat16:
      return "neon_bf16";
    case InstructionSet::kAvx2:
      return "avx2";
    case InstructionSet::kAvx2Vnni:
      return "avx2_vnni";
    case InstructionSet::kAvx512:
      return "avx512";
    case InstructionSet::kAvx512Vnni:
      return "avx512_vnni";
    case InstructionSet::kAvx512BFloat16:
      return "avx512_bf16";
    case InstructionSet::kAmx:
      return "amx";
  }
  return {};
}

}  // namespace semisup::kernels
