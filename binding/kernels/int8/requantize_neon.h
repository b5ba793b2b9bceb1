#pragma once
#include <arm_neon.h>

#include "kernels/dot/dot_tile.h"
#include "kernels/int8/int8_block.h"

namespace semisup::kernels {
namespace {

constexpr int kVectors = static_cast<int>(kNeonPanel.vectors);

// Packs a panel with saturation to uint8.
inline uint8x16_t PackBytes(const int32x4_t (&values)[kVectors]) {
  const auto first = vqmovn_high_s32(vqmovn_s32(values[0]), values[1]);
  const auto second = vqmovn_high_s32(vqmovn_s32(values[2]), values[3]);
  return vqmovun_high_s16(vqmovun_s16(first), second);
}

// The inverse of PackBytes() for one vector, as floats.
template <int vector>
float32x4_t UnpackBytes(uint8x16_t bytes) {
  const auto half = vector < 2 ? vget_low_u8(bytes) : vget_high_u8(bytes);
  const auto words = vmovl_u8(half);
  return vcvtq_f32_u32(vmovl_u16(vector % 2 == 0 ? vget_low_u16(words) : vget_high_u16(words)));
}

// Requantizes the sums of a micro-tile, adds the residual and stores.
template <bool sums_are_float_bits, int pixels>
[[gnu::always_inline]]
inline void RequantizeTile(const Int8Block& block, const DotCorner& corner,
                           int32x4_t (&sums)[pixels][kVectors]) {
  const auto requantization = block.requantization;
  const int64_t channels = block.output_block.output_channels;
  const int64_t at = corner.pixel * channels + corner.channel;
  const uint8_t* residual =
      block.output_block.residual ? block.output_block.residual + at : nullptr;
  uint8_t* output = block.output_block.output + at;
  const auto residual_scale = vdupq_n_f32(requantization.residual_scale);
  Unroll<kVectors>([&](auto j) {
    const int64_t index = corner.channel + j * kNeonPanel.sums;
    const auto scale = vld1q_f32(requantization.scale + index);
    const auto offset = vld1q_f32(requantization.offset + index);
    Unroll<pixels>([&](auto i) {
      const auto sum =
          sums_are_float_bits ? vreinterpretq_f32_s32(sums[i][j]) : vcvtq_f32_s32(sums[i][j]);
      auto value = vfmaq_f32(offset, sum, scale);
      if (residual) {
        const auto bytes = vld1q_u8(residual + i * channels);
        value = vfmaq_f32(value, UnpackBytes<j>(bytes), residual_scale);
      }
      sums[i][j] = vcvtnq_s32_f32(value);
    });
  });
  Unroll<pixels>([&](auto i) { vst1q_u8(output + i * channels, PackBytes(sums[i])); });
}

}  // namespace
}  // namespace semisup::kernels
