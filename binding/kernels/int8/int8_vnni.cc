#include "kernels/int8/int8_requantize.h"

namespace semisup::kernels {
namespace {

template <bool sums_are_float_bits>
struct VnniKernel {
  using Block = Int8Block;
  using Element = uint8_t;
  using Weight = int8_t;
  using Sum = __m512i;

  static Sum Initial(const Block& block, int64_t channel) {
    return _mm512_loadu_si512(block.requantization.initial_sum + channel);
  }
  static Sum Multiply(Sum sum, __m512i bytes, __m512i weights) {
    return _mm512_dpbusd_epi32(sum, bytes, weights);
  }
  template <int pixels>
  static void Finish(const Block& block, const DotCorner& corner,
                     Sum (&sums)[pixels][kDotVectors]) {
    RequantizeTile<sums_are_float_bits>(block, corner, sums);
  }
};

}  // namespace

void RunInt8BlockVnni(const Int8Block& block) {
  block.requantization.sums_are_float_bits ? RunDotBlock<VnniKernel<true>>(block)
                                           : RunDotBlock<VnniKernel<false>>(block);
}

}  // namespace semisup::kernels
