#include "kernels/int8/requantize_neon.h"

namespace semisup::kernels {
namespace {

template <bool sums_are_float_bits>
struct NeonKernel {
  static constexpr DotPanel kPanel = kNeonPanel;
  // Of 32 registers, 24 hold sums.
  static constexpr int kPixels = 6;

  using Block = Int8Block;
  using Element = uint8_t;
  using Weight = int8_t;
  using Sum = int32x4_t;
  using Lanes = int8x16_t;

  static Sum Initial(const Block& block, int64_t index) {
    return vld1q_s32(block.requantization.initial_sum + index);
  }
  // Subtracts 128 from each byte: the instruction multiplies signed bytes.
  static Lanes Broadcast(int32_t bits) {
    return vreinterpretq_s8_s32(
        veorq_s32(vdupq_n_s32(bits), vdupq_n_s32(static_cast<int32_t>(0x80808080))));
  }
  static Lanes Load(const char* weights) {
    return vld1q_s8(reinterpret_cast<const int8_t*>(weights));
  }
  static Sum Multiply(Sum sum, Lanes bytes, Lanes weights) {
    return vdotq_s32(sum, bytes, weights);
  }

  template <int pixels>
  static void Finish(const Block& block, const DotCorner& corner, Sum (&sums)[pixels][kVectors]) {
    RequantizeTile<sums_are_float_bits>(block, corner, sums);
  }
};

}  // namespace

void RunInt8BlockNeonDot(const Int8Block& block) {
  block.requantization.sums_are_float_bits ? RunDotBlock<NeonKernel<true>>(block)
                                           : RunDotBlock<NeonKernel<false>>(block);
}

}  // namespace semisup::kernels
