#include <immintrin.h>

#include <algorithm>
#include <limits>

#include "pooling_kernels.h"
#include "processor.h"
#include "unrolled.h"

namespace semisup::plan {
namespace {

constexpr int kMostLanes = 4;

// Of up to so many lanes of channels, beginning with one; `last` tells which of the last are there.
template <int lanes>
void MaxOfLanes(const PixelWindow& window, int64_t channel, __mmask16 last, float* to) {
  constexpr auto kLeast = -std::numeric_limits<float>::infinity();
  const auto mask_of = [&](int lane) {
    return lane == lanes - 1 ? last : static_cast<__mmask16>(0xFFFF);
  };
  __m512 most[lanes];
  // A maximum of the processor's forgets what is no number when it meets the next.
  __mmask16 are_none[lanes];
  Unrolled<lanes>([&](auto i) {
    most[i] = _mm512_set1_ps(kLeast);
    are_none[i] = 0;
  });
  for (int64_t row = 0; row < window.rows; row++) {
    const float* pixel = window.pixels + row * window.row_stride + channel;
    for (int64_t column = 0; column < window.columns; column++) {
      Unrolled<lanes>([&](auto i) {
        const __m512 numbers = _mm512_maskz_loadu_ps(mask_of(i), pixel + i * kLane);
        are_none[i] = _kor_mask16(are_none[i], _mm512_cmp_ps_mask(numbers, numbers, _CMP_UNORD_Q));
        most[i] = _mm512_max_ps(most[i], numbers);
      });
      pixel += window.channels;
    }
  }
  const __m512 none = _mm512_set1_ps(std::numeric_limits<float>::quiet_NaN());
  Unrolled<lanes>([&](auto i) {
    _mm512_mask_storeu_ps(to + channel + i * kLane, mask_of(i),
                          _mm512_mask_mov_ps(most[i], are_none[i], none));
  });
}

}  // namespace

void MaxOfWindowAvx512(const PixelWindow& window, float* to) {
  constexpr int64_t kStep = kMostLanes * kLane;
  int64_t channel = 0;
  for (; channel + kStep <= window.channels; channel += kStep) {
    MaxOfLanes<kMostLanes>(window, channel, 0xFFFF, to);
  }
  for (; channel < window.channels; channel += kLane) {
    const int64_t left = std::min(kLane, window.channels - channel);
    MaxOfLanes<1>(window, channel, static_cast<__mmask16>((1 << left) - 1), to);
  }
}

}  // namespace semisup::plan
