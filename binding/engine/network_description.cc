#include "engine/network_description.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "kernels/instruction_set.h"
#include "kernels/simd_kernels.h"

namespace semisup::engine {
namespace {

// Beyond what any network has, and small enough that no product of sizes overflows.
constexpr int64_t kMaxValues = 1 << 20;
constexpr int64_t kMaxChannels = 1 << 20;
constexpr int64_t kMaxSide = 1 << 10;
constexpr int64_t kMaxSubBatch = 64;
constexpr int64_t kMaxDimensions = 8;

void Check(bool condition, const char* property) {
  if (!condition) throw std::invalid_argument(property);
}

bool IsWithin(int64_t value, int64_t low, int64_t high) { return value >= low && value <= high; }

bool AreWithin(const kernels::HeightWidth& pair, int64_t low, int64_t high) {
  return IsWithin(pair[0], low, high) && IsWithin(pair[1], low, high);
}

template <class Enum>
void CheckEnum(Enum value, Enum last, const char* name) {
  Check(IsWithin(static_cast<int64_t>(value), 0, static_cast<int64_t>(last)), name);
}

void CheckFields(const kernels::Activation& activation) {
  CheckEnum(activation.kind, kernels::ActivationKind::kGeluTanh, "its activation is unknown");
}

void CheckFields(const kernels::MaxPool& pool) {
  Check(IsWithin(pool.kernel, 1, kMaxSide) && IsWithin(pool.stride, 1, kMaxSide) &&
            IsWithin(pool.padding, 0, pool.kernel / 2),
        "its pooling window is out of range");
}

void CheckFields(const kernels::AveragePool& pool) {
  CheckFields(pool.Along(0));
  CheckFields(pool.Along(1));
}

void CheckFields(const kernels::Quantization& quantization) {
  Check(quantization.scale > 0 && IsWithin(quantization.zero_point, 0, 255),
        "its quantization is out of range");
}

void CheckFields(const FusedConvolution& convolution) {
  const auto& shape = convolution.shape;
  Check(IsWithin(shape.input_channels, 1, kMaxChannels) &&
            IsWithin(shape.output_channels, 1, kMaxChannels) &&
            IsWithin(shape.groups, 1, kMaxChannels) && shape.input_channels % shape.groups == 0 &&
            shape.output_channels % shape.groups == 0,
        "its channels or groups are out of range");
  Check(AreWithin(shape.kernel, 1, kMaxSide) && AreWithin(shape.stride, 1, kMaxSide) &&
            AreWithin(shape.padding, 0, kMaxSide) && AreWithin(shape.dilation, 1, kMaxSide),
        "its kernel, stride, padding or dilation is out of range");
  CheckEnum(convolution.dtype, DType::kUInt8, "its dtype is unknown");
  CheckFields(convolution.activation);
  const bool has_activation = convolution.activation.kind != kernels::ActivationKind::kNone;
  Check(!has_activation || convolution.dtype == DType::kFloat32,
        "it has an activation that only float32 supports");
  Check(!convolution.max_pool || !convolution.has_residual,
        "it has both a residual and max pooling");
  if (convolution.max_pool) CheckFields(*convolution.max_pool);
  if (convolution.dtype != DType::kUInt8) return;
  CheckFields(convolution.input_quantization);
  CheckFields(convolution.output_quantization);
  if (convolution.has_residual) CheckFields(convolution.residual_quantization);
}

// The sizes of the weights are checked by the kernels.
void CheckFields(const Convolution& convolution) {
  CheckFields(convolution.convolution);
  // Those of float32 convert images of other dtypes.
  const auto dtype = static_cast<size_t>(convolution.convolution.dtype);
  for (const auto& algorithm : convolution.algorithms) {
    Check(algorithm.index() == 0 || algorithm.index() == dtype,
          "its algorithm is of another dtype");
    if (const auto* one = std::get_if<FloatAlgorithm>(&algorithm)) {
      CheckEnum(one->kernel, FloatKernel::kWinograd4x4, "its algorithm is unknown");
    }
    if (const auto* one = std::get_if<BFloat16Algorithm>(&algorithm)) {
      CheckEnum(one->kernel, BFloat16Kernel::kWinograd2x2, "its algorithm is unknown");
    }
  }
}

void CheckFields(const Linear& linear) {
  Check(IsWithin(linear.inputs, 1, kMaxChannels * kMaxSide) &&
            IsWithin(linear.outputs, 1, kMaxChannels),
        "its features are out of range");
  Check(linear.bias.size() == 0 || linear.bias.size() == linear.outputs,
        "its bias has another size");
  CheckFields(linear.activation);
}

void CheckFields(const Affine& affine) {
  Check(affine.scale.size() > 0 && affine.scale.size() == affine.shift.size(),
        "its scale and its shift differ in size");
  CheckFields(affine.activation);
}

void CheckFields(const LayerNorm& norm) {
  const auto is_valid = [&](const kernels::Buffer<float>& values) {
    return values.size() == 0 || values.size() == norm.columns;
  };
  Check(IsWithin(norm.columns, 1, kMaxChannels), "its columns are out of range");
  Check(is_valid(norm.weight) && is_valid(norm.bias), "its weight or bias has another size");
}

void CheckFields(const Binary& binary) {
  CheckEnum(binary.operation, kernels::BinaryOperation::kMultiply, "its operation is unknown");
  Check(binary.constant_sizes.size() <= kMaxDimensions, "its constant has too many dimensions");
  int64_t elements = 1;
  for (const int64_t size : binary.constant_sizes) {
    Check(IsWithin(size, 1, kMaxChannels) && elements <= kMaxChannels * kMaxSide,
          "its constant has sizes out of range");
    elements *= size;
  }
  Check(binary.constant.size() == 0 || binary.constant.size() == elements,
        "its constant has another size");
}

void CheckFields(const Concatenation& concatenation) {
  Check(IsWithin(concatenation.dimension, -2, 3), "its dimension is out of range");
}

void CheckFields(const Permutation& permutation) {
  auto sorted = permutation.order;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < sorted.size(); i++) {
    Check(sorted[i] == static_cast<int64_t>(i), "its order is no permutation");
  }
}

template <class Other>
void CheckFields(const Other&) {}

bool IsConvolution(const StepDescription& step) {
  return std::holds_alternative<Convolution>(step);
}

size_t OperandsOf(const StepDescription& step, size_t given) {
  if (std::holds_alternative<Concatenation>(step)) return std::max<size_t>(given, 1);
  if (const auto* binary = std::get_if<Binary>(&step)) return binary->constant.size() > 0 ? 1 : 2;
  if (!IsConvolution(step)) return 1;
  return std::get<Convolution>(step).convolution.has_residual ? 2 : 1;
}

void CheckValues(const DescribedStep& step, std::vector<bool>& is_known) {
  const auto count = static_cast<int64_t>(is_known.size());
  Check(step.inputs.size() == OperandsOf(step.step, step.inputs.size()),
        "it has another number of inputs");
  for (const int64_t input : step.inputs) {
    Check(IsWithin(input, 0, count - 1) && is_known[input],
          "it reads a value that is not computed");
  }
  Check(IsWithin(step.output, 0, count - 1) && !is_known[step.output],
        "it writes a value that is computed already");
  is_known[step.output] = true;
}

}  // namespace

std::string PackedFor(const std::string& precision) {
  const auto set = kernels::ActiveInstructionSet();
  return std::string(kernels::NameOf(precision == "float32" ? kernels::SimdFamily(set) : set));
}

bool FitsProcessor(const NetworkDescription& network) {
  return kernels::ActiveKernels() && network.instruction_set == PackedFor(network.precision);
}

void CheckDescription(const NetworkDescription& network) {
  const auto is_value = [&](int64_t value) { return IsWithin(value, 0, network.values - 1); };
  const auto& outputs = network.outputs;
  Check(IsWithin(network.values, 1, kMaxValues) && is_value(network.input) &&
            std::all_of(outputs.begin(), outputs.end(), is_value),
        "The values of the network are out of range.");
  Check(IsWithin(static_cast<int64_t>(outputs.size()), 1, network.values),
        "The number of outputs of the network is out of range.");
  Check(IsWithin(network.sub_batch, 0, kMaxSubBatch),
        "The images per sub-batch of the network are out of range.");
  std::vector<bool> is_known(network.values);
  is_known[network.input] = true;
  for (size_t i = 0; i < network.steps.size(); i++) {
    try {
      CheckValues(network.steps[i], is_known);
      std::visit([](const auto& step) { CheckFields(step); }, network.steps[i].step);
    } catch (const std::invalid_argument& problem) {
      throw std::invalid_argument("Step " + std::to_string(i) +
                                  " of the network is invalid: " + problem.what() + ".");
    }
  }
  for (const int64_t output : outputs) {
    Check(is_known[output], "No step computes an output of the network.");
  }
}

}  // namespace semisup::engine
