#include "kernels/int8/int8_avx2.h"

namespace semisup::kernels {
namespace {

struct AvxVnni {
  // Of 16 registers, 12 hold sums.
  static constexpr int kPixels = 6;

  static __m256i Multiply(__m256i sum, __m256i bytes, __m256i weights) {
    return _mm256_dpbusd_avx_epi32(sum, bytes, weights);
  }
};

}  // namespace

void RunInt8BlockAvx2Vnni(const Int8Block& block) { RunInt8Block<AvxVnni>(block); }

}  // namespace semisup::kernels
