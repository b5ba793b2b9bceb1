#include <bit>

#include "kernels/bfloat16/round_avx512.h"

namespace semisup::kernels {
namespace {

struct DotKernel {
  static constexpr DotPanel kPanel = kAvx512Panel;
  // Of 32 registers, 24 hold sums.
  static constexpr int kPixels = 6;

  using Block = BFloat16Block;
  using Element = BFloat16;
  using Weight = BFloat16;
  using Sum = __m512;
  using Lanes = __m512i;

  static Sum Initial(const Block& block, int64_t index) {
    return block.bias ? _mm512_loadu_ps(block.bias + index) : _mm512_setzero_ps();
  }
  static Lanes Broadcast(int32_t bits) { return _mm512_set1_epi32(bits); }
  static Lanes Load(const char* weights) { return _mm512_loadu_si512(weights); }
  static Sum Multiply(Sum sum, Lanes pair, Lanes weights) {
    return _mm512_dpbf16_ps(sum, std::bit_cast<__m512bh>(pair), std::bit_cast<__m512bh>(weights));
  }
  template <int pixels>
  static void Finish(const Block& block, const DotCorner& corner, Sum (&sums)[pixels][kVectors]) {
    RoundTile(block, corner, sums);
  }
};

}  // namespace

void RunBFloat16BlockAvx512(const BFloat16Block& block) { RunDotBlock<DotKernel>(block); }

}  // namespace semisup::kernels
