#include "kernels/int8/int8_avx2.h"

namespace semisup::kernels {
namespace {

// Adds pairs of products in 16 bits, which suffice for weights of 7 bits.
struct Maddubs {
  // Of 16 registers, 10 hold sums.
  static constexpr int kPixels = 5;

  static __m256i Multiply(__m256i sum, __m256i bytes, __m256i weights) {
    const __m256i pairs = _mm256_maddubs_epi16(bytes, weights);
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
};

}  // namespace

void RunInt8BlockAvx2(const Int8Block& block) { RunInt8Block<Maddubs>(block); }

}  // namespace semisup::kernels
