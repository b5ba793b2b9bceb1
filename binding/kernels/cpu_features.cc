#include "kernels/cpu_features.h"

#ifdef _MSC_VER
#include <immintrin.h>
#include <intrin.h>
#endif

namespace semisup::kernels {

#if defined(__x86_64__) && defined(__GNUC__)

bool HasAvx512() { return __builtin_cpu_supports("avx512f") != 0; }

bool HasVnni() {
  return HasAvx512() && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512vnni") != 0;
}

#elif defined(_M_X64)

namespace {

struct ExtendedFeatures {
  unsigned ebx = 0;
  unsigned ecx = 0;
};

// CPUID leaf 7. Empty unless the operating system saves the AVX-512 registers on a context switch,
// without which their instructions fault.
ExtendedFeatures ReadExtendedFeatures() {
  int leaf[4];
  __cpuid(leaf, 0);
  if (leaf[0] < 7) return {};
  __cpuid(leaf, 1);
  constexpr int kOsXsave = 1 << 27;
  if ((leaf[2] & kOsXsave) == 0) return {};
  // XMM, YMM, opmask, and both halves of the ZMM registers.
  constexpr unsigned long long kAvx512State = 0xe6;
  if ((_xgetbv(0) & kAvx512State) != kAvx512State) return {};
  __cpuidex(leaf, 7, 0);
  return {static_cast<unsigned>(leaf[1]), static_cast<unsigned>(leaf[2])};
}

}  // namespace

bool HasAvx512() {
  // All that /arch:AVX512 lets the compiler use: F, DQ, CD, BW and VL.
  constexpr unsigned kAvx512 = 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31;
  static const bool has_avx512 = (ReadExtendedFeatures().ebx & kAvx512) == kAvx512;
  return has_avx512;
}

bool HasVnni() {
  constexpr unsigned kAvx512Vnni = 1u << 11;
  static const bool has_vnni = HasAvx512() && (ReadExtendedFeatures().ecx & kAvx512Vnni) != 0;
  return has_vnni;
}

#else

bool HasAvx512() { return false; }

bool HasVnni() { return false; }

#endif

}  // namespace semisup::kernels
