#include <bit>

#include "kernels/bfloat16/round_avx512.h"

namespace semisup::kernels {
namespace {

struct DotKernel : DotInstructions {
  using Block = BFloat16Block;

  static Sum Initial(const Block& block, int64_t index) {
    return block.bias ? _mm512_loadu_ps(block.bias + index) : _mm512_setzero_ps();
  }
  template <int pixels>
  static void Finish(const Block& block, const DotCorner& corner, Sum (&sums)[pixels][kVectors]) {
    RoundTile(block, corner, sums);
  }
};

}  // namespace

void RunBFloat16BlockAvx512(const BFloat16Block& block) { RunDotBlock<DotKernel>(block); }

}  // namespace semisup::kernels
