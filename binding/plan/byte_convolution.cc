#include "byte_convolution.h"

#include <ATen/Parallel.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/max.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "blocks.h"

namespace semisup::plan {
namespace {

// Where rows are copied, whole ones are, which may be more.
constexpr int64_t kBlockBytes = 128 << 10;

// By the places of outputs.
at::Tensor InPlaces(const at::Tensor& outputs) {
  const auto placed = at::empty_like(outputs);
  for (int64_t o = 0; o < outputs.numel(); o++) {
    placed.data_ptr<float>()[PlaceOf(o)] = outputs.const_data_ptr<float>()[o];
  }
  return placed;
}

}  // namespace

bool ByteConvolution::Takes(const ConvolutionSpec& spec, const Meaning& meaning) {
  if (!HasVnni() || spec.groups > 1 || spec.IsDilated() || spec.weight.size(0) % kBytePanel != 0) {
    return false;
  }
  // Sums of products are of 32 bits, and so is what becomes a byte.
  constexpr double kMost = 1 << 29;
  constexpr double kMostSum = std::numeric_limits<int32_t>::max();
  constexpr double kMostProduct = 255 * 127;
  return static_cast<double>(spec.weight[0].numel()) * kMostProduct < kMostSum &&
         meaning.factor.max().item<double>() * kMostSum < kMost &&
         meaning.offset.abs().max().item<double>() < kMost && meaning.other * 255 < kMost;
}

ByteConvolution::ByteConvolution(const ConvolutionSpec& spec, const Meaning& meaning)
    : shape_(spec.shape()),
      zero_(meaning.input_zero_point),
      other_(meaning.other),
      starts_(at::zeros({shape_.outputs}, at::kInt)) {
  const int64_t inputs = shape_.inputs;
  const int64_t outputs = shape_.outputs;
  const Sides& kernel = shape_.kernel;
  const int64_t run = kernel[1] * inputs;
  const int64_t fours = CeilOf(run, kFour);
  weights_ = at::zeros({outputs / kBytePanel, kernel[0], fours, kBytePanel, kFour}, at::kChar);
  const auto from = spec.weight.accessor<int8_t, 4>();
  const int32_t zero = meaning.input_zero_point;
  const int32_t most = std::numeric_limits<uint8_t>::max();
  auto* starts = starts_.data_ptr<int32_t>();
  std::vector<int32_t> farthest(outputs);
  at::parallel_for(0, outputs, kLane, [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; o++) {
      const int64_t place = PlaceOf(o);
      int32_t above = 0;
      int32_t below = 0;
      for (int64_t y = 0; y < kernel[0]; y++) {
        int8_t* row = weights_.data_ptr<int8_t>() +
                      (place / kBytePanel * kernel[0] + y) * fours * kBytePanel * kFour +
                      place % kBytePanel * kFour;
        for (int64_t i = 0; i < run; i++) {
          const int8_t weight = from[o][i % inputs][y][i / inputs];
          row[i / kFour * kBytePanel * kFour + i % kFour] = weight;
          (weight > 0 ? above : below) += weight;
        }
      }
      // So that a byte that stands for zero adds nothing.
      starts[place] = -(above + below) * zero;
      farthest[o] =
          std::max(above * (most - zero) - below * zero, above * zero - below * (most - zero));
    }
  });
  factors_ = InPlaces(meaning.factor);
  offsets_ = InPlaces(meaning.offset);
  // What is added to offsets leaves them exact to half a hundredth of a byte.
  constexpr double kMostOffset = 1 << 17;
  are_floats_ = *std::max_element(farthest.begin(), farthest.end()) < kMostExact &&
                factors_.max().item<double>() * kExact < kMostOffset;
  if (are_floats_) {
    starts_.add_(kExactBits);
    offsets_.sub_(factors_, kExact);
  }
}

void ByteConvolution::Run(const at::Tensor& input, const at::Tensor& other, const Sides& sides,
                          const Pooling* pooling, const at::Tensor& output) const {
  const ByteWeights weights{.panels = weights_.const_data_ptr<int8_t>(),
                            .rows = shape_.kernel[0],
                            .fours = weights_.size(2)};
  // A kernel's row is read in whole fours, also where it has fewer bytes.
  const bool is_filled_up = weights.fours * kFour > shape_.kernel[1] * shape_.inputs;
  const Windows<uint8_t> windows{.input = input.const_data_ptr<uint8_t>(),
                                 .height = input.size(2),
                                 .width = input.size(3),
                                 .rows = sides[0],
                                 .columns = sides[1],
                                 .shape = shape_,
                                 .zero = zero_,
                                 .are_planes = false,
                                 .are_copied = shape_.is_padded() || is_filled_up,
                                 .slack = kFour};
  const int64_t pixel_bytes = shape_.inputs * shape_.stride[0] * shape_.stride[1];
  const Product<uint8_t> product{.output = output.data_ptr<uint8_t>(),
                                 .images = output.size(0),
                                 .channels = shape_.outputs,
                                 .panel = kBytePanel,
                                 .fitting = FittingPixels(pixel_bytes, kBlockBytes),
                                 .pooling = pooling};
  ForProduct(
      windows, product,
      [&](const uint8_t* const* starts, const Slice& pixels, uint8_t* to, const Slice& panels) {
        const ByteBlock block{.weights = weights,
                              .scales = {.start = starts_.const_data_ptr<int32_t>(),
                                         .factor = factors_.const_data_ptr<float>(),
                                         .offset = offsets_.const_data_ptr<float>(),
                                         .are_floats = are_floats_,
                                         .other = other_},
                              .pixels = starts,
                              .count = pixels.count,
                              .row_stride = windows.row_stride(),
                              .other = other.defined() ? other.const_data_ptr<uint8_t>() +
                                                             pixels.first * shape_.outputs
                                                       : nullptr,
                              .output = to,
                              .outputs = shape_.outputs,
                              .panels = panels};
#if defined(__x86_64__)
        MultiplyBytesVnni(block);
#endif
      });
}

}  // namespace semisup::plan
