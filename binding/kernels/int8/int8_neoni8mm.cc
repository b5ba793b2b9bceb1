#include "kernels/dot/matrix_tile.h"
#include "kernels/int8/requantize_neon.h"

namespace semisup::kernels {
namespace {

template <bool sums_are_float_bits>
struct NeonKernel {
  static constexpr DotPanel kPanel = kNeonMatrixPanel;
  // Of 32 registers, 24 hold sums.
  static constexpr int kPixels = 6;

  using Block = Int8Block;
  using Element = uint8_t;
  using Weight = int8_t;
  using Sum = int32x4_t;
  using Pixels = uint8x16_t;

  static Sum Initial(const Block& block, int64_t index) {
    return vld1q_s32(block.requantization.initial_sum + index);
  }
  static Pixels LoadPair(const char* first, const char* second) {
    const auto load = [](const char* lane) {
      return vld1_u8(reinterpret_cast<const uint8_t*>(lane));
    };
    return vcombine_u8(load(first), load(second));
  }
  static int8x16_t Load(const char* weights) {
    return vld1q_s8(reinterpret_cast<const int8_t*>(weights));
  }
  static Sum Multiply(Sum sum, Pixels pixels, int8x16_t weights) {
    return vusmmlaq_s32(sum, pixels, weights);
  }
  static Sum Low(Sum a, Sum b) {
    return vreinterpretq_s32_s64(vzip1q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
  }
  static Sum High(Sum a, Sum b) {
    return vreinterpretq_s32_s64(vzip2q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
  }

  template <int pixels>
  static void Finish(const Block& block, const DotCorner& corner, Sum (&sums)[pixels][kVectors]) {
    RequantizeTile<sums_are_float_bits>(block, corner, sums);
  }
};

}  // namespace

void RunInt8BlockNeonI8mm(const Int8Block& block) {
  block.requantization.sums_are_float_bits ? RunMatrixBlock<NeonKernel<true>>(block)
                                           : RunMatrixBlock<NeonKernel<false>>(block);
}

}  // namespace semisup::kernels
