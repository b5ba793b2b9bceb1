#include "kernels/instruction_set.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "kernels/cpu_features.h"

namespace semisup::kernels {
namespace {

// Those of this architecture.
constexpr std::array kSets{
    InstructionSet::kNone,
#if defined(SEMISUP_ARM64)
    InstructionSet::kNeon,
#else
    InstructionSet::kAvx2,           InstructionSet::kAvx512, InstructionSet::kAvx512Vnni,
    InstructionSet::kAvx512BFloat16, InstructionSet::kAmx,
#endif
};

InstructionSet BestSupported() {
#if defined(SEMISUP_ARM64)
  return InstructionSet::kNeon;
#else
  const bool has_bfloat16 = HasVnni() && HasBFloat16();
  if (has_bfloat16 && HasAmx()) return InstructionSet::kAmx;
  if (has_bfloat16) return InstructionSet::kAvx512BFloat16;
  if (HasVnni()) return InstructionSet::kAvx512Vnni;
  if (HasAvx512()) return InstructionSet::kAvx512;
  return HasAvx2() ? InstructionSet::kAvx2 : InstructionSet::kNone;
#endif
}

InstructionSet Select() {
  const auto best = BestSupported();
  const char* limit = std::getenv("SEMISUP_CPU");
  if (!limit) return best;
  for (const auto set : kSets) {
    if (NameOf(set) == limit) return std::min(set, best);
  }
  return best;
}

}  // namespace

InstructionSet ActiveInstructionSet() {
  static const auto set = Select();
  return set;
}

std::string_view NameOf(InstructionSet set) {
  switch (set) {
    case InstructionSet::kNone:
      return "none";
    case InstructionSet::kNeon:
      return "neon";
    case InstructionSet::kAvx2:
      return "avx2";
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
