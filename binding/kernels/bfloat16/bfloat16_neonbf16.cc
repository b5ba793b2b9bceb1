#include <arm_neon.h>

#include <limits>

#include "kernels/bfloat16/bfloat16_block.h"
#include "kernels/dot/matrix_tile.h"

namespace semisup::kernels {
namespace {

constexpr int kVectors = static_cast<int>(kNeonMatrixPanel.vectors);

inline float32x4_t ToFloats(const BFloat16* values) {
  return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(&values->bits), 16));
}

struct NeonKernel {
  static constexpr DotPanel kPanel = kNeonMatrixPanel;
  // Of 32 registers, 24 hold sums.
  static constexpr int kPixels = 6;

  using Block = BFloat16Block;
  using Element = BFloat16;
  using Weight = BFloat16;
  using Sum = float32x4_t;
  using Pixels = bfloat16x8_t;

  static Sum Initial(const Block& block, int64_t index) {
    return block.bias ? vld1q_f32(block.bias + index) : vdupq_n_f32(0);
  }
  static Pixels LoadPair(const char* first, const char* second) {
    const auto load = [](const char* lane) {
      return vld1_u8(reinterpret_cast<const uint8_t*>(lane));
    };
    return vreinterpretq_bf16_u8(vcombine_u8(load(first), load(second)));
  }
  static bfloat16x8_t Load(const char* weights) {
    return vreinterpretq_bf16_u8(vld1q_u8(reinterpret_cast<const uint8_t*>(weights)));
  }
  static Sum Multiply(Sum sum, Pixels pixels, bfloat16x8_t weights) {
    return vbfmmlaq_f32(sum, pixels, weights);
  }
  static Sum Low(Sum a, Sum b) {
    return vreinterpretq_f32_f64(vzip1q_f64(vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b)));
  }
  static Sum High(Sum a, Sum b) {
    return vreinterpretq_f32_f64(vzip2q_f64(vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b)));
  }

  // Adds the residual, applies the ReLU, rounds to bfloat16 and stores.
  template <int pixels>
  static void Finish(const Block& block, const DotCorner& corner, Sum (&sums)[pixels][kVectors]) {
    const int64_t channels = block.output_block.output_channels;
    const int64_t at = corner.pixel * channels + corner.channel;
    const BFloat16* residual =
        block.output_block.residual ? block.output_block.residual + at : nullptr;
    BFloat16* output = block.output_block.output + at;
    const auto bound = vdupq_n_f32(block.relu ? 0 : -std::numeric_limits<float>::infinity());
    Unroll<pixels>([&](auto i) {
      Unroll<kVectors>([&](auto j) {
        auto value = sums[i][j];
        const int64_t offset = i * channels + j * kPanel.sums;
        if (residual) value = vaddq_f32(value, ToFloats(residual + offset));
        // NaN where `value` is NaN.
        const auto rounded = vcvt_bf16_f32(vmaxq_f32(bound, value));
        vst1_u16(&output[offset].bits, vreinterpret_u16_bf16(rounded));
      });
    });
  }
};

}  // namespace

void RunBFloat16BlockNeon(const BFloat16Block& block) { RunMatrixBlock<NeonKernel>(block); }

}  // namespace semisup::kernels
