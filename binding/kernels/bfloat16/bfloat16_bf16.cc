#include "kernels/bfloat16/bfloat16_round.h"

namespace semisup::kernels {
namespace {

struct BFloat16Kernel {
  using Block = BFloat16Block;
  using Element = BFloat16;
  using Weight = BFloat16;
  using Sum = __m512;

  static Sum Initial(const Block& block, int64_t channel) {
    return block.bias ? _mm512_loadu_ps(block.bias + channel) : _mm512_setzero_ps();
  }
  static Sum Multiply(Sum sum, __m512i pair, __m512i weights) {
    return _mm512_dpbf16_ps(sum, (__m512bh)pair, (__m512bh)weights);
  }
  template <int pixels>
  static void Finish(const Block& block, const DotCorner& corner,
                     Sum (&sums)[pixels][kDotVectors]) {
    RoundTile(block, corner, sums);
  }
};

}  // namespace

void RunBFloat16BlockAvx512(const BFloat16Block& block) { RunDotBlock<BFloat16Kernel>(block); }

}  // namespace semisup::kernels
