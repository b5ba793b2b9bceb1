#include "kernels/dot/amx_tile.h"
#include "kernels/int8/requantize_avx512.h"

namespace semisup::kernels {
namespace {

template <bool sums_are_float_bits>
struct AmxKernel {
  using Block = Int8Block;
  using Element = uint8_t;
  using Sum = __m512i;

  static const void* InitialSums(const Block& block, int64_t channel) {
    return block.requantization.initial_sum + channel;
  }
  template <bool two>
  static void MultiplyTiles() {
    _tile_dpbusd(0, 4, 6);
    _tile_dpbusd(1, 4, 7);
    if constexpr (two) {
      _tile_dpbusd(2, 5, 6);
      _tile_dpbusd(3, 5, 7);
    }
  }
  template <int pixels>
  static void Finish(const Block& block, const DotCorner& corner, Sum (&sums)[pixels][kVectors]) {
    RequantizeTile<sums_are_float_bits>(block, corner, sums);
  }
};

}  // namespace

void RunInt8BlockAmx(const Int8Block& block) {
  block.requantization.sums_are_float_bits ? AmxTiles<AmxKernel<true>>(block).Run()
                                           : AmxTiles<AmxKernel<false>>(block).Run();
}

}  // namespace semisup::kernels
