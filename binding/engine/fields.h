#pragma once
#include <concepts>
#include <tuple>
#include <type_traits>

#include "engine/descriptions.h"
#include "engine/network_description.h"

// The fields of each description, in the order in which a file holds them. A change of one is a
// change of kFormatVersion.
namespace semisup::engine {

template <class T, class Description>
concept Of = std::same_as<std::remove_const_t<T>, Description>;

auto FieldsOf(Of<kernels::Activation> auto& a) { return std::tie(a.kind, a.low, a.high); }
auto FieldsOf(Of<kernels::MaxPool> auto& a) { return std::tie(a.kernel, a.stride, a.padding); }
auto FieldsOf(Of<kernels::AveragePool> auto& a) {
  return std::tie(a.kernel, a.stride, a.padding, a.counts_padding);
}
auto FieldsOf(Of<kernels::Quantization> auto& a) { return std::tie(a.scale, a.zero_point); }
auto FieldsOf(Of<kernels::ConvolutionShape> auto& a) {
  return std::tie(a.input_channels, a.output_channels, a.groups, a.kernel, a.stride, a.padding,
                  a.dilation);
}
auto FieldsOf(Of<kernels::PackedInt8> auto& a) {
  return std::tie(a.weights, a.initial_sums, a.scales, a.offsets, a.zero_point, a.residual_scale,
                  a.sums_are_float_bits);
}
auto FieldsOf(Of<FusedConvolution> auto& a) {
  return std::tie(a.shape, a.dtype, a.has_residual, a.relu, a.activation, a.max_pool,
                  a.input_quantization, a.residual_quantization, a.output_quantization);
}
auto FieldsOf(Of<FloatAlgorithm> auto& a) { return std::tie(a.kernel, a.weight, a.bias); }
auto FieldsOf(Of<BFloat16Algorithm> auto& a) { return std::tie(a.kernel, a.weight, a.bias); }
auto FieldsOf(Of<Convolution> auto& a) { return std::tie(a.convolution, a.algorithms); }
auto FieldsOf(Of<Linear> auto& a) {
  return std::tie(a.inputs, a.outputs, a.weight, a.bias, a.activation);
}
auto FieldsOf(Of<Affine> auto& a) { return std::tie(a.scale, a.shift, a.activation); }
auto FieldsOf(Of<LayerNorm> auto& a) { return std::tie(a.columns, a.weight, a.bias, a.epsilon); }
auto FieldsOf(Of<Binary> auto& a) { return std::tie(a.operation, a.constant, a.constant_sizes); }
auto FieldsOf(Of<Concatenation> auto& a) { return std::tie(a.dimension); }
auto FieldsOf(Of<GlobalAveragePool> auto& a) { return std::tie(a.keeps_dimensions); }
auto FieldsOf(Of<Identity> auto&) { return std::tuple<>(); }
auto FieldsOf(Of<Flattening> auto&) { return std::tuple<>(); }
auto FieldsOf(Of<Permutation> auto& a) { return std::tie(a.order); }
auto FieldsOf(Of<DescribedStep> auto& a) { return std::tie(a.inputs, a.output, a.step); }
auto FieldsOf(Of<NetworkDescription> auto& a) {
  return std::tie(a.method, a.instruction_set, a.precision, a.steps, a.values, a.input, a.outputs,
                  a.returns_sequence, a.sub_batch);
}

}  // namespace semisup::engine
