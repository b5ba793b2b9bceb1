#include <immintrin.h>

#include <algorithm>
#include <limits>

#include "kernels/cpu_features.h"
#include "kernels/pooling/max_window.h"
#include "kernels/unroll.h"

namespace semisup::kernels {
namespace {

constexpr int kMaxVectors = 4;

// Handles `vectors` vectors of channels, starting with `channel`; `last` masks the channels of the
// last vector.
template <int vectors>
void MaxOfChannels(const MaxWindow& window, int64_t channel, __mmask16 last, float* maxima) {
  constexpr auto kLowest = -std::numeric_limits<float>::infinity();
  const auto mask_of = [&](int vector) {
    return vector == vectors - 1 ? last : static_cast<__mmask16>(0xFFFF);
  };
  __m512 maximum[vectors];
  // max_ps drops a NaN when the next number follows it, so NaNs are recorded in masks.
  __mmask16 is_nan[vectors];
  Unroll<vectors>([&](auto i) {
    maximum[i] = _mm512_set1_ps(kLowest);
    is_nan[i] = 0;
  });
  for (int64_t row = 0; row < window.rows; row++) {
    const float* pixel = window.pixels + row * window.row_stride + channel;
    for (int64_t column = 0; column < window.columns; column++) {
      Unroll<vectors>([&](auto i) {
        const __m512 values = _mm512_maskz_loadu_ps(mask_of(i), pixel + i * kVectorWidth);
        is_nan[i] = _kor_mask16(is_nan[i], _mm512_cmp_ps_mask(values, values, _CMP_UNORD_Q));
        maximum[i] = _mm512_max_ps(maximum[i], values);
      });
      pixel += window.channels;
    }
  }
  const __m512 nan = _mm512_set1_ps(std::numeric_limits<float>::quiet_NaN());
  Unroll<vectors>([&](auto i) {
    _mm512_mask_storeu_ps(maxima + channel + i * kVectorWidth, mask_of(i),
                          _mm512_mask_mov_ps(maximum[i], is_nan[i], nan));
  });
}

}  // namespace

void MaxOfWindowAvx512(const MaxWindow& window, float* maxima) {
  constexpr int64_t kStep = kMaxVectors * kVectorWidth;
  int64_t channel = 0;
  for (; channel + kStep <= window.channels; channel += kStep) {
    MaxOfChannels<kMaxVectors>(window, channel, 0xFFFF, maxima);
  }
  for (; channel < window.channels; channel += kVectorWidth) {
    const int64_t left = std::min(kVectorWidth, window.channels - channel);
    MaxOfChannels<1>(window, channel, static_cast<__mmask16>((1 << left) - 1), maxima);
  }
}

}  // namespace semisup::kernels
