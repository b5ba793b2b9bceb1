#include "kernels/bfloat16/round_avx512.h"
#include "kernels/dot/amx_tile.h"

namespace semisup::kernels {
namespace {

struct AmxKernel {
  using Block = BFloat16Block;
  using Element = BFloat16;
  using Sum = __m512;

  static const void* InitialSums(const Block& block, int64_t channel) {
    return block.bias ? block.bias + channel : nullptr;
  }
  template <bool two>
  static void MultiplyTiles() {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    if constexpr (two) {
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
  }
  template <int pixels>
  static void Finish(const Block& block, const DotCorner& corner, Sum (&sums)[pixels][kVectors]) {
    RoundTile(block, corner, sums);
  }
};

}  // namespace

void RunBFloat16BlockAmx(const BFloat16Block& block) { AmxTiles<AmxKernel>(block).Run(); }

}  // namespace semisup::kernels
