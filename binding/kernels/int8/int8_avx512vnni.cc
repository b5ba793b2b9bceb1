#include "kernels/int8/requantize_avx512.h"

namespace semisup::kernels {
namespace {

template <bool sums_are_float_bits>
struct VnniKernel {
  static constexpr DotPanel kPanel = kAvx512Panel;
  // Of 32 registers, 24 hold sums.
  static constexpr int kPixels = 6;

  using Block = Int8Block;
  using Element = uint8_t;
  using Weight = int8_t;
  using Sum = __m512i;
  using Lanes = __m512i;

  static Sum Initial(const Block& block, int64_t index) {
    return _mm512_loadu_si512(block.requantization.initial_sum + index);
  }
  static Lanes Broadcast(int32_t bits) { return _mm512_set1_epi32(bits); }
  static Lanes Load(const char* weights) { return _mm512_loadu_si512(weights); }
  static Sum Multiply(Sum sum, Lanes bytes, Lanes weights) {
    return _mm512_dpbusd_epi32(sum, bytes, weights);
  }
  template <int pixels>
  static void Finish(const Block& block, const DotCorner& corner, Sum (&sums)[pixels][kVectors]) {
    RequantizeTile<sums_are_float_bits>(block, corner, sums);
  }
};

}  // namespace

void RunInt8BlockAvx512Vnni(const Int8Block& block) {
  block.requantization.sums_are_float_bits ? RunDotBlock<VnniKernel<true>>(block)
                                           : RunDotBlock<VnniKernel<false>>(block);
}

}  // namespace semisup::kernels
