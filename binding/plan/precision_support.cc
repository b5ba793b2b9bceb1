#include "plan/precision_support.h"

#include <ATen/Context.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/ones.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <exception>
#include <optional>

#include "engine/convert.h"
#include "kernels/bfloat16/bfloat16.h"
#include "kernels/cpu_features.h"
#include "plan/float_convolution.h"
#include "plan/int8_convolution.h"
#include "plan/torch_tensor.h"

namespace semisup::plan {
namespace {

using program::ComputePrecision;

// oneDNN's instruction sets without bfloat16 products. oneDNN emulates these with AVX-512, at about
// a third of the speed of float32.
constexpr std::array kIsasWithoutBFloat16 = {
    "sse41", "avx", "avx2", "avx2_vnni", "avx2_vnni_2", "avx512_core", "avx512_core_vnni"};

std::string ReasonAgainstBFloat16() {
  if (!kernels::HasBFloat16()) return "this processor has no bfloat16 instructions";
  const char* limit = std::getenv("ONEDNN_MAX_CPU_ISA");
  std::string isa = limit ? limit : "";
  std::transform(isa.begin(), isa.end(), isa.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const bool is_limited = std::find(kIsasWithoutBFloat16.begin(), kIsasWithoutBFloat16.end(),
                                    isa) != kIsasWithoutBFloat16.end();
  if (!is_limited) return "";
  return "ONEDNN_MAX_CPU_ISA=" + std::string(limit) +
         " excludes this processor's bfloat16 instructions";
}

program::ConvolutionSpec Spec(at::Tensor weight) {
  return {.weight = std::move(weight),
          .bias = {},
          .stride = {1, 1},
          .padding = {0, 0},
          .dilation = {1, 1}};
}

// Runs a convolution by oneDNN. Returns float32.
template <class PlannedConvolution>
at::Tensor Convolve(const program::ConvolutionSpec& spec, engine::FusedConvolution convolution,
                    const at::Tensor& input) {
  convolution.shape = spec.Shape();
  engine::ConvolutionStep step(convolution);
  const PlannedConvolution planned(spec, step);
  engine::StepState state;
  const auto output = step.Run({FromTorch(input)}, ExecutionMode::kLatency, state);
  return ToTorch(engine::ToFloat32(output)).clone();
}

// Returns the relative error of a convolution in a floating-point dtype.
double FloatError(at::ScalarType dtype) {
  const auto input = at::linspace(-1, 1, 16 * 8 * 8).view({1, 16, 8, 8}).to(dtype).to(at::kFloat);
  const auto weight =
      at::linspace(-1, 1, 32 * 16 * 3 * 3).view({32, 16, 3, 3}).to(dtype).to(at::kFloat);
  const auto output =
      dtype == at::kBFloat16
          ? Convolve<FloatConvolution<kernels::BFloat16>>(
                Spec(weight), {.shape = {}, .dtype = engine::DType::kBFloat16}, input)
          : Convolve<FloatConvolution<float>>(Spec(weight), {}, input);
  return program::RelativeDifference(output, at::conv2d(input, weight));
}

// Returns the relative error of an int8 convolution of the largest values. Without VNNI, oneDNN
// adds products of bytes in 16 bits, which saturate.
double Int8Error() {
  const auto input = at::ones({1, 32, 4, 4});
  const auto weight = at::ones({32, 32, 3, 3});
  engine::FusedConvolution convolution{.shape = {}, .dtype = engine::DType::kUInt8};
  convolution.input_quantization = kernels::Quantization::ForRange(0, 1);
  convolution.output_quantization = kernels::Quantization::ForRange(0, 32 * 3 * 3);
  const auto output = Convolve<Int8Convolution>(Spec(weight), convolution, input);
  return program::RelativeDifference(output, at::conv2d(input, weight));
}

std::string Check(ComputePrecision precision) {
  constexpr double kTolerance = 0.02;
  const bool is_int8 = precision == ComputePrecision::kInt8;
  if (!at::hasMKLDNN()) return "this LibTorch is built without oneDNN";
  if (precision == ComputePrecision::kBFloat16) {
    auto reason = ReasonAgainstBFloat16();
    if (!reason.empty()) return reason;
  }
  try {
    const double error = is_int8 ? Int8Error() : FloatError(program::DTypeOf(precision));
    // Negated, so that NaN fails too.
    if (!(error <= kTolerance)) {
      return is_int8 ? "oneDNN's 8-bit sums saturate without VNNI instructions on this processor"
                     : "a convolution of oneDNN returned wrong results on this processor";
    }
    return "";
  } catch (const std::exception& error) {
    const std::string message = error.what();
    return "a convolution of oneDNN failed on this processor: " +
           message.substr(0, message.find('\n'));
  }
}

}  // namespace

const std::string& ReasonAgainst(ComputePrecision precision) {
  // Constants of the process: its processor, its LibTorch and the environment at the first use.
  if (precision == ComputePrecision::kInt8) {
    static const std::string int8 = Check(ComputePrecision::kInt8);
    return int8;
  }
  if (precision == ComputePrecision::kBFloat16) {
    static const std::string bfloat16 = Check(ComputePrecision::kBFloat16);
    return bfloat16;
  }
  static const std::string float32 = Check(ComputePrecision::kFloat32);
  return float32;
}

}  // namespace semisup::plan
