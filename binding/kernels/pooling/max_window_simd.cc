#include <algorithm>
#include <limits>

#include "kernels/pooling/pool_window.h"
#include "kernels/simd/simd.h"
#include "kernels/simd_kernels.h"
#include "kernels/unroll.h"

namespace semisup::kernels::SEMISUP_SIMD {
namespace {

constexpr int kMaxVectors = 4;

// Handles `vectors` vectors of channels, of which the last has `last` channels, from `channel` on.
template <int vectors, bool is_partial, class T>
void MaxOfChannels(const PoolWindow<T>& window, int64_t channel, int64_t last, T* maxima) {
  Vector maximum[vectors];
  // A maximum drops a NaN when the next number follows it, so NaNs are recorded in masks.
  NanMask is_nan[vectors];
  Unroll<vectors>([&](auto i) {
    maximum[i] = Broadcast(-std::numeric_limits<float>::infinity());
    is_nan[i] = NoNan();
  });
  for (int64_t row = 0; row < window.rows; row++) {
    const T* pixel = window.pixels + row * window.row_stride + channel;
    for (int64_t column = 0; column < window.columns; column++) {
      Unroll<vectors>([&](auto i) {
        const T* data = pixel + i * kVectorWidth;
        const Vector values = is_partial ? LoadPart(data, last) : Load(data);
        is_nan[i] = OrNan(is_nan[i], values);
        maximum[i] = AtLeast(maximum[i], values);
      });
      pixel += window.channels;
    }
  }
  const Vector nan = Broadcast(std::numeric_limits<float>::quiet_NaN());
  Unroll<vectors>([&](auto i) {
    const Vector result = SetNan(maximum[i], is_nan[i], nan);
    T* output = maxima + channel + i * kVectorWidth;
    if constexpr (is_partial) {
      StorePart(output, last, result);
    } else {
      Store(output, result);
    }
  });
}

template <class T>
void MaxOfAllChannels(const PoolWindow<T>& window, T* maxima) {
  constexpr int64_t kStep = kMaxVectors * kVectorWidth;
  int64_t channel = 0;
  for (; channel + kStep <= window.channels; channel += kStep) {
    MaxOfChannels<kMaxVectors, false>(window, channel, kVectorWidth, maxima);
  }
  for (; channel + kVectorWidth <= window.channels; channel += kVectorWidth) {
    MaxOfChannels<1, false>(window, channel, kVectorWidth, maxima);
  }
  if (channel < window.channels) {
    MaxOfChannels<1, true>(window, channel, window.channels - channel, maxima);
  }
}

}  // namespace

void MaxOfWindow(const PoolWindow<float>& window, float* maxima) {
  MaxOfAllChannels(window, maxima);
}
void MaxOfWindow(const PoolWindow<BFloat16>& window, BFloat16* maxima) {
  MaxOfAllChannels(window, maxima);
}

}  // namespace semisup::kernels::SEMISUP_SIMD
