#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "byte_kernels.h"
#include "fetch.h"
#include "unrolled.h"

namespace semisup::plan {
namespace {

constexpr int kLanes = kBytePanel / kLane;
// So many pixels at a time leave registers for the weights.
constexpr int kMostPixels = 24 / kLanes;

// Some pixels and the outputs of one panel.
struct Strip {
  const uint8_t* const* pixels;
  const int8_t* weights;
  // Weights that will be wanted next, and how far the fetching of them goes on with each four:
  // without it the processor waits for memory where few pixels share the weights.
  const int8_t* next;
  int64_t next_step;
  int64_t output;
  int64_t first;
};

// What becomes no byte becomes the nearest one.
__m512i BytesOf(const __m512i (&numbers)[kLanes]) {
  return _mm512_packus_epi16(_mm512_packs_epi32(numbers[0], numbers[1]),
                             _mm512_packs_epi32(numbers[2], numbers[3]));
}

// The other way round: those of a lane.
template <int lane>
__m512 NumbersOf(__m512i bytes) {
  // 0x80 takes none.
  constexpr int kFirst = static_cast<int>(0x80808000) + lane * 4;
  const __m512i order = _mm512_set4_epi32(kFirst + 3, kFirst + 2, kFirst + 1, kFirst);
  return _mm512_cvtepi32_ps(_mm512_shuffle_epi8(bytes, order));
}

// All is copied first: what a store may change is read again. Flattened, because GCC keeps sums in
// memory where it leaves a call.
template <int pixels, bool are_floats>
[[gnu::flatten]]
void MultiplyStrip(const ByteBlock& block, const Strip& strip) {
  const auto weights = block.weights;
  const auto scales = block.scales;
  const int64_t row_stride = block.row_stride;
  const int64_t outputs = block.outputs;
  __m512i sums[pixels][kLanes];
  Unrolled<kLanes>([&](auto j) {
    const __m512i start = _mm512_loadu_si512(scales.start + strip.output + j * kLane);
    Unrolled<pixels>([&](auto i) { sums[i][j] = start; });
  });
  const uint8_t* at[pixels];
  Unrolled<pixels>([&](auto i) { at[i] = strip.pixels[i]; });
  const int8_t* panel = strip.weights;
  const int8_t* next = strip.next;
  const int64_t next_step = strip.next_step;
  for (int64_t row = 0; row < weights.rows; row++) {
    for (int64_t k = 0; k < weights.fours; k++) {
      _mm_prefetch(reinterpret_cast<const char*>(next), _MM_HINT_T1);
      next += next_step;
      __m512i b[kLanes];
      Unrolled<kLanes>([&](auto j) { b[j] = _mm512_loadu_si512(panel + j * kLine); });
      panel += kLanes * kLine;
      Unrolled<pixels>([&](auto i) {
        int32_t four;
        std::memcpy(&four, at[i] + k * kFour, kFour);
        const __m512i a = _mm512_set1_epi32(four);
        Unrolled<kLanes>([&](auto j) { sums[i][j] = _mm512_dpbusd_epi32(sums[i][j], a, b[j]); });
      });
    }
    Unrolled<pixels>([&](auto i) { at[i] += row_stride; });
  }
  const int64_t corner = strip.first * outputs + strip.output;
  const uint8_t* other = block.other ? block.other + corner : nullptr;
  uint8_t* output = block.output + corner;
  const __m512 step = _mm512_set1_ps(scales.other);
  Unrolled<kLanes>([&](auto j) {
    const __m512 factor = _mm512_loadu_ps(scales.factor + strip.output + j * kLane);
    const __m512 offset = _mm512_loadu_ps(scales.offset + strip.output + j * kLane);
    Unrolled<pixels>([&](auto i) {
      const __m512i sum = sums[i][j];
      const __m512 exact = are_floats ? _mm512_castsi512_ps(sum) : _mm512_cvtepi32_ps(sum);
      __m512 number = _mm512_fmadd_ps(exact, factor, offset);
      if (other) {
        const __m512i bytes = _mm512_loadu_si512(other + i * outputs);
        number = _mm512_fmadd_ps(NumbersOf<j>(bytes), step, number);
      }
      sums[i][j] = _mm512_cvtps_epi32(number);
    });
  });
  Unrolled<pixels>([&](auto i) { _mm512_storeu_si512(output + i * outputs, BytesOf(sums[i])); });
}

// MultiplyStrip() by the number of pixels, from one up.
template <bool are_floats, int... pixels>
constexpr auto MultipliersOf(std::integer_sequence<int, pixels...>) {
  return std::array{&MultiplyStrip<pixels + 1, are_floats>...};
}
template <bool are_floats>
constexpr auto kMultipliers =
    MultipliersOf<are_floats>(std::make_integer_sequence<int, kMostPixels>());

}  // namespace

void MultiplyBytesVnni(const ByteBlock& block) {
  const auto& multipliers = block.scales.are_floats ? kMultipliers<true> : kMultipliers<false>;
  const int64_t panel_size = block.weights.panel_size();
  const int64_t fours = block.weights.rows * block.weights.fours;
  const int64_t strips = CeilOf(block.count, kMostPixels);
  // All strips together fetch the next panel, as far as they can.
  const int64_t next_step = std::min(kLine, CeilOf(kLanes * kLine, strips));
  const int64_t end = block.panels.first + block.panels.count;
  for (int64_t p = block.panels.first; p < end; p++) {
    const int8_t* panel = block.weights.panels + p * panel_size;
    for (int64_t s = 0; s < strips; s++) {
      const auto [first, count] = ShareOf(block.count, s, strips);
      FetchNextStrip(block.output + p * kBytePanel, block.count, block.outputs, kBytePanel, s,
                     strips);
      multipliers[count - 1](block, {.pixels = block.pixels + first,
                                     .weights = panel,
                                     .next = panel + panel_size + s * next_step * fours,
                                     .next_step = next_step,
                                     .output = p * kBytePanel,
                                     .first = first});
    }
  }
}

}  // namespace semisup::plan
