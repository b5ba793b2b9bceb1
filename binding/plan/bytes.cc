#include "bytes.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>

namespace semisup::plan {
namespace {

constexpr int64_t kGrain = 32 << 10;

// A function of its own, because a byte that is written may be part of anything but its arguments.
void QuantizeAll(std::span<const float> values, float factor, float offset,
                 uint8_t* __restrict to) {
  for (size_t i = 0; i < values.size(); i++) {
    const float byte = std::min(std::max(values[i] * factor + offset, 0.0F), 255.0F);
    to[i] = static_cast<uint8_t>(static_cast<int>(byte));
  }
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
  const auto dense = values.contiguous(at::MemoryFormat::ChannelsLast);
  auto bytes = at::empty_like(dense, dense.options().dtype(at::kByte));
  const auto* from = dense.const_data_ptr<float>();
  auto* to = bytes.data_ptr<uint8_t>();
  const auto factor = static_cast<float>(1 / quantization.scale);
  const auto offset = static_cast<float>(quantization.zero_point) + 0.5F;
  at::parallel_for(0, values.numel(), kGrain, [=](int64_t begin, int64_t end) {
    QuantizeAll({from + begin, static_cast<size_t>(end - begin)}, factor, offset, to + begin);
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

at::Tensor MaxPool(const at::Tensor& bytes, const Pooling& pooling) {
  const auto [kernel, stride, padding] = pooling;
  const int64_t channels = bytes.size(1);
  const int64_t height = bytes.size(2);
  const int64_t width = bytes.size(3);
  const int64_t rows = (height + 2 * padding - kernel) / stride + 1;
  const int64_t columns = (width + 2 * padding - kernel) / stride + 1;
  auto pooled = at::empty({bytes.size(0), channels, rows, columns}, bytes.options(),
                          at::MemoryFormat::ChannelsLast);
  const auto* from = bytes.const_data_ptr<uint8_t>();
  auto* to = pooled.data_ptr<uint8_t>();
  const auto pool = [&](int64_t image, int64_t row, int64_t column, uint8_t* __restrict target) {
    std::memset(target, 0, channels);
    const int64_t top = row * stride - padding;
    const int64_t left = column * stride - padding;
    for (int64_t y = std::max<int64_t>(0, top); y < std::min(height, top + kernel); y++) {
      for (int64_t x = std::max<int64_t>(0, left); x < std::min(width, left + kernel); x++) {
        const auto* pixel = from + ((image * height + y) * width + x) * channels;
        for (int64_t c = 0; c < channels; c++) target[c] = std::max(target[c], pixel[c]);
      }
    }
  };
  at::parallel_for(0, bytes.size(0) * rows, 8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      for (int64_t column = 0; column < columns; column++) {
        pool(i / rows, i % rows, column, to + (i * columns + column) * channels);
      }
    }
  });
  return pooled;
}

}  // namespace semisup::plan
