#include "kernels/int8/int8_convolution.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/cpu_features.h"
#include "kernels/dot/dot_blocks.h"
#include "kernels/instruction_set.h"
#include "kernels/int8/int8_kernel.h"
#include "kernels/parallel.h"

namespace semisup::kernels {
namespace {

Buffer<float> InPackedOrder(const std::vector<float>& values, const DotPanel& panel) {
  const auto size = static_cast<int64_t>(values.size());
  Buffer<float> packed(size);
  for (int64_t o = 0; o < size; o++) packed[panel.PackedIndex(o)] = values[o];
  return packed;
}

float MaxOf(const std::vector<float>& values) {
  return *std::max_element(values.begin(), values.end());
}

float MaxMagnitudeOf(const std::vector<float>& values) {
  float max = 0;
  for (const float value : values) max = std::max(max, std::abs(value));
  return max;
}

}  // namespace

int Int8Convolution::MaxWeight() {
#if defined(SEMISUP_X86_64)
  const auto set = ActiveInstructionSet();
  const bool has_vnni = set == InstructionSet::kAvx2Vnni || set >= InstructionSet::kAvx512Vnni;
  return has_vnni ? 127 : 63;
#else
  return 127;
#endif
}

bool Int8Convolution::SupportsShape(const ConvolutionShape& shape) {
  const auto* kernel = ActiveInt8Kernel();
  return kernel && shape.groups == 1 && !shape.is_dilated() &&
         shape.output_channels % kernel->panel.channels() == 0;
}

bool Int8Convolution::Supports(const ConvolutionShape& shape,
                               const RequantizationParameters& parameters) {
  if (!SupportsShape(shape)) return false;
  // Sums of products are int32, and so are the values that saturate to bytes.
  constexpr double kMaxValue = 1 << 29;
  constexpr double kMaxSum = std::numeric_limits<int32_t>::max();
  constexpr double kMaxProduct = 255 * 127;
  const auto depth = static_cast<double>(shape.input_channels * shape.kernel[0] * shape.kernel[1]);
  return depth * kMaxProduct < kMaxSum && MaxOf(parameters.scale) * kMaxSum < kMaxValue &&
         MaxMagnitudeOf(parameters.offset) < kMaxValue &&
         parameters.residual_scale * 255 < kMaxValue;
}

Int8Convolution::Int8Convolution(const int8_t* weight, const ConvolutionShape& shape,
                                 const RequantizationParameters& parameters)
    : shape_(shape),
      zero_point_(parameters.input_zero_point),
      residual_scale_(parameters.residual_scale),
      weights_(weight, shape, kernel_.panel,
               [this](int64_t output) { return kernel_.panel.PackedIndex(output); }),
      initial_sums_(shape.output_channels, 0),
      scales_(InPackedOrder(parameters.scale, kernel_.panel)),
      offsets_(InPackedOrder(parameters.offset, kernel_.panel)) {
  const auto max_magnitudes = SumWeights(weight);
  // Below this limit, rounding an offset to float32 costs at most 1/256 of an output step.
  constexpr double kMaxOffset = 1 << 17;
  const double max_scale = MaxOf(parameters.scale);
  sums_are_float_bits_ =
      *std::max_element(max_magnitudes.begin(), max_magnitudes.end()) < kMaxAbsSum &&
      max_scale * kFloatBase < kMaxOffset;
  if (!sums_are_float_bits_) return;
  for (int32_t& sum : initial_sums_) sum += kFloatBaseBits;
  // fma: rounding the product as well would double the error.
  for (int64_t i = 0; i < offsets_.size(); i++) {
    offsets_[i] = std::fma(-kFloatBase, scales_[i], offsets_[i]);
  }
}

Int8Convolution::Int8Convolution(const PackedInt8& packed, const ConvolutionShape& shape)
    : shape_(shape),
      zero_point_(packed.zero_point),
      residual_scale_(packed.residual_scale),
      sums_are_float_bits_(packed.sums_are_float_bits),
      weights_(packed.weights, shape, kernel_.panel),
      initial_sums_(packed.initial_sums),
      scales_(packed.scales),
      offsets_(packed.offsets) {
  CheckPacked(initial_sums_, shape.output_channels);
  CheckPacked(scales_, shape.output_channels);
  CheckPacked(offsets_, shape.output_channels);
}

PackedInt8 Int8Convolution::packed() const {
  return {.weights = weights_.packed(),
          .initial_sums = initial_sums_,
          .scales = scales_,
          .offsets = offsets_,
          .zero_point = zero_point_,
          .residual_scale = residual_scale_,
          .sums_are_float_bits = sums_are_float_bits_};
}

std::vector<int32_t> Int8Convolution::SumWeights(const int8_t* weight) {
  constexpr int32_t kMaxByte = std::numeric_limits<uint8_t>::max();
  const int64_t depth = shape_.input_channels * shape_.kernel[0] * shape_.kernel[1];
  const int32_t zero_point = zero_point_;
  std::vector<int32_t> max_magnitudes(shape_.output_channels);
  for (int64_t o = 0; o < shape_.output_channels; o++) {
    int32_t positive = 0;
    int32_t negative = 0;
    for (int64_t i = 0; i < depth; i++) {
      const int8_t value = weight[o * depth + i];
      (value > 0 ? positive : negative) += value;
    }
    // Input bytes equal to the zero point then contribute nothing.
    initial_sums_[kernel_.panel.PackedIndex(o)] =
        -(positive + negative) * (zero_point - kernel_.input_offset);
    max_magnitudes[o] = std::max(positive * (kMaxByte - zero_point) - negative * zero_point,
                                 positive * zero_point - negative * (kMaxByte - zero_point));
  }
  return max_magnitudes;
}

void Int8Convolution::Run(const Int8Arguments& arguments, Workspace& workspace) const {
  const auto weights = weights_.layout();
  const Int8Requantization requantization{.initial_sum = initial_sums_.data(),
                                          .scale = scales_.data(),
                                          .offset = offsets_.data(),
                                          .sums_are_float_bits = sums_are_float_bits_,
                                          .residual_scale = residual_scale_};
  ForEachDotBlock(
      arguments, shape_, weights, zero_point_, workspace,
      [&](const OutputBlock<uint8_t>& output_block) {
        kernel_.run_block(
            {.weights = weights, .requantization = requantization, .output_block = output_block});
      });
}

}  // namespace semisup::kernels
