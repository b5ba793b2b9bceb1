#include "bytes.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "convolution.h"
#include "kernel.h"
#include "processor.h"
#include "windows.h"

namespace semisup::plan {
namespace {

constexpr int64_t kGrain = 32 << 10;

// A function of its own, because a byte that is written may be part of anything but its arguments.
SEMISUP_ALSO_AVX2
void QuantizeAll(const float* values, int64_t count, float factor, float offset,
                 uint8_t* __restrict to) {
  for (int64_t i = 0; i < count; i++) {
    const float byte = std::min(std::max(values[i] * factor + offset, 0.0F), 255.0F);
    to[i] = static_cast<uint8_t>(static_cast<int>(byte));
  }
}

// Of [n, c, h, w], channel by channel, to channels-last.
void QuantizePlanes(const at::Tensor& images, float factor, float offset, const at::Tensor& bytes) {
  const int64_t channels = images.size(1);
  const int64_t height = images.size(2);
  const int64_t width = images.size(3);
  const auto* from = images.const_data_ptr<float>();
  auto* to = bytes.data_ptr<uint8_t>();
  const int64_t grain = CeilOf(kGrain, channels * width);
  at::parallel_for(0, images.size(0) * height, grain, [=](int64_t begin, int64_t end) {
    std::vector<uint8_t> rows(channels * width);
    for (int64_t i = begin; i < end; i++) {
      const auto* first = from + (i / height * channels * height + i % height) * width;
      for (int64_t c = 0; c < channels; c++) {
        QuantizeAll(first + c * height * width, width, factor, offset, rows.data() + c * width);
      }
      Interleave(rows.data(), width, width, channels, to + i * channels * width);
    }
  });
}

}  // namespace

Quantization Quantization::Of(double least, double most) {
  // Zero must be a byte: it is what images are padded with.
  least = std::min(least, 0.0);
  most = std::max(most, least + 1e-6);
  const double scale = (most - least) / 255;
  return {scale, std::clamp<int64_t>(std::lround(-least / scale), 0, 255)};
}

at::Tensor Quantize(const at::Tensor& values, const Quantization& quantization) {
  const auto factor = static_cast<float>(1 / quantization.scale);
  const auto offset = static_cast<float>(quantization.zero_point) + 0.5F;
  if (values.dim() == 4 && values.size(1) <= kMostPlanes && ArePlanes(values)) {
    const auto layout = at::MemoryFormat::ChannelsLast;
    auto bytes = at::empty(values.sizes(), values.options().dtype(at::kByte), layout);
    QuantizePlanes(values, factor, offset, bytes);
    return bytes;
  }
  const auto dense = values.contiguous(at::MemoryFormat::ChannelsLast);
  auto bytes = at::empty_like(dense, dense.options().dtype(at::kByte));
  const auto* from = dense.const_data_ptr<float>();
  auto* to = bytes.data_ptr<uint8_t>();
  at::parallel_for(0, values.numel(), kGrain, [=](int64_t begin, int64_t end) {
    QuantizeAll(from + begin, end - begin, factor, offset, to + begin);
  });
  return bytes;
}

at::Tensor Dequantize(const at::Tensor& bytes, const Quantization& quantization) {
  auto values = at::empty_like(bytes, bytes.options().dtype(at::kFloat));
  const auto* from = bytes.const_data_ptr<uint8_t>();
  auto* to = values.data_ptr<float>();
  const auto scale = static_cast<float>(quantization.scale);
  const auto zero_point = static_cast<float>(quantization.zero_point);
  at::parallel_for(0, bytes.numel(), kGrain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++)
      to[i] = (static_cast<float>(from[i]) - zero_point) * scale;
  });
  return values;
}

}  // namespace semisup::plan
