#include "kernels/cpu_features.h"

#if defined(_MSC_VER)
#include <immintrin.h>
#include <intrin.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace semisup::kernels {

#if defined(__x86_64__) && defined(__GNUC__)

bool HasAvx2() { return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0; }

bool HasAvx512() { return __builtin_cpu_supports("avx512f") != 0; }

bool HasAvx512Vnni() {
  return HasAvx512() && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512vnni") != 0;
}

bool HasAvxVnni() { return __builtin_cpu_supports("avxvnni") != 0; }

bool HasBFloat16() { return __builtin_cpu_supports("avx512bf16") != 0; }

bool HasNeonDot() { return false; }

bool HasNeonI8mm() { return false; }

#if defined(__linux__)

bool HasAmx() {
  static const bool has_amx = [] {
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    // AMX-BF16, AMX-TILE and AMX-INT8.
    constexpr unsigned kAmx = 1u << 22 | 1u << 24 | 1u << 25;
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || (edx & kAmx) != kAmx) return false;
    // The system saves tiles, of 8 KiB, only for processes that ask.
    constexpr long kArchRequestPermission = 0x1023;
    constexpr long kTileData = 18;
    return syscall(SYS_arch_prctl, kArchRequestPermission, kTileData) == 0;
  }();
  return has_amx;
}

#else

bool HasAmx() { return false; }

#endif

#elif defined(_M_X64)

namespace {

struct ExtendedFeatures {
  // CPUID leaf 7, sub-leaf 0.
  unsigned ebx = 0;
  unsigned ecx = 0;
  // Sub-leaf 1.
  unsigned eax1 = 0;
  // Leaf 1.
  bool has_fma = false;
};

// XMM and YMM registers; AVX-512 adds opmasks and both halves of the ZMM registers.
constexpr unsigned long long kAvxState = 0x6;
constexpr unsigned long long kAvx512State = 0xe6;

// Empty unless the operating system saves the registers on a context switch, without which their
// instructions fault.
ExtendedFeatures ReadExtendedFeatures(unsigned long long state) {
  int leaf[4];
  __cpuid(leaf, 0);
  if (leaf[0] < 7) return {};
  __cpuid(leaf, 1);
  constexpr int kOsXsave = 1 << 27;
  constexpr int kFma = 1 << 12;
  if ((leaf[2] & kOsXsave) == 0 || (_xgetbv(0) & state) != state) return {};
  ExtendedFeatures features{.has_fma = (leaf[2] & kFma) != 0};
  __cpuidex(leaf, 7, 0);
  const int last_sub_leaf = leaf[0];
  features.ebx = static_cast<unsigned>(leaf[1]);
  features.ecx = static_cast<unsigned>(leaf[2]);
  if (last_sub_leaf >= 1) {
    __cpuidex(leaf, 7, 1);
    features.eax1 = static_cast<unsigned>(leaf[0]);
  }
  return features;
}

}  // namespace

bool HasAvx2() {
  constexpr unsigned kAvx2 = 1u << 5;
  static const auto features = ReadExtendedFeatures(kAvxState);
  return features.has_fma && (features.ebx & kAvx2) != 0;
}

bool HasAvx512() {
  // All that /arch:AVX512 lets the compiler use: F, DQ, CD, BW and VL.
  constexpr unsigned kAvx512 = 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31;
  static const bool has_avx512 = (ReadExtendedFeatures(kAvx512State).ebx & kAvx512) == kAvx512;
  return has_avx512;
}

bool HasAvx512Vnni() {
  constexpr unsigned kAvx512Vnni = 1u << 11;
  static const bool has_vnni =
      HasAvx512() && (ReadExtendedFeatures(kAvx512State).ecx & kAvx512Vnni) != 0;
  return has_vnni;
}

bool HasBFloat16() {
  constexpr unsigned kAvx512Bf16 = 1u << 5;
  static const bool has_bf16 =
      HasAvx512() && (ReadExtendedFeatures(kAvx512State).eax1 & kAvx512Bf16) != 0;
  return has_bf16;
}

bool HasAvxVnni() {
  constexpr unsigned kAvxVnni = 1u << 4;
  static const bool has_vnni = (ReadExtendedFeatures(kAvxState).eax1 & kAvxVnni) != 0;
  return has_vnni;
}

bool HasAmx() { return false; }

bool HasNeonDot() { return false; }

bool HasNeonI8mm() { return false; }

#else

bool HasAvx2() { return false; }

bool HasAvxVnni() { return false; }

bool HasAvx512() { return false; }

bool HasAvx512Vnni() { return false; }

bool HasAmx() { return false; }

#if defined(__APPLE__)

namespace {

bool HasFeature(const char* name) {
  int has_feature = 0;
  size_t size = sizeof(has_feature);
  return sysctlbyname(name, &has_feature, &size, nullptr, 0) == 0 && has_feature != 0;
}

}  // namespace

bool HasBFloat16() { return HasFeature("hw.optional.arm.FEAT_BF16"); }

bool HasNeonDot() { return HasFeature("hw.optional.arm.FEAT_DotProd"); }

bool HasNeonI8mm() { return HasFeature("hw.optional.arm.FEAT_I8MM"); }

#elif defined(__aarch64__) && defined(__linux__)

bool HasBFloat16() {
  constexpr unsigned long kHwcap2BFloat16 = 1UL << 14;
  return (getauxval(AT_HWCAP2) & kHwcap2BFloat16) != 0;
}

bool HasNeonDot() {
  constexpr unsigned long kHwcapDotProduct = 1UL << 20;
  return (getauxval(AT_HWCAP) & kHwcapDotProduct) != 0;
}

bool HasNeonI8mm() {
  constexpr unsigned long kHwcap2I8mm = 1UL << 13;
  return (getauxval(AT_HWCAP2) & kHwcap2I8mm) != 0;
}

#else

bool HasBFloat16() { return false; }

bool HasNeonDot() { return false; }

bool HasNeonI8mm() { return false; }

#endif

#endif

}  // namespace semisup::kernels
