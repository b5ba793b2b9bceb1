#pragma once
#include <torch/csrc/jit/ir/ir.h>

#include <optional>
#include <vector>

#include "program/computation.h"
#include "program/convolution_spec.h"

// Recognizes the operators of a TorchScript graph that a program can represent.
namespace semisup::program {

// Whether a node is of the kind, e.g. "aten::relu".
bool Is(const torch::jit::Node* node, const char* kind);
bool IsTensor(const torch::jit::Value* value);
// The value of a node's input, if it is a constant.
std::optional<c10::IValue> ConstantInput(const torch::jit::Node* node, size_t input);
// Whether a tensor is float32, on the CPU and not quantized.
bool IsPlainFloat(const at::Tensor& tensor);

// Return what a node computes, or nullopt if it is another operator or an input other than the
// first is not constant.
std::optional<ConvolutionSpec> MatchConvolution(const torch::jit::Node* node);
std::optional<LinearSpec> MatchLinear(const torch::jit::Node* node);
std::optional<GlobalAveragePool> MatchGlobalAveragePool(const torch::jit::Node* node);
// In eval mode, with constant statistics.
std::optional<AffineSpec> MatchBatchNorm(const torch::jit::Node* node);
// Over the last dimension only.
std::optional<LayerNormSpec> MatchLayerNorm(const torch::jit::Node* node);
// Of a list of tensors that the graph constructs.
std::optional<Concatenation> MatchConcatenation(const torch::jit::Node* node);
std::optional<Identity> MatchIdentity(const torch::jit::Node* node);
// Of four dimensions.
std::optional<Permutation> MatchPermutation(const torch::jit::Node* node);
std::optional<Flattening> MatchFlattening(const torch::jit::Node* node);

// Returns what a node computes, unless it is a convolution.
Computation ComputationOf(const torch::jit::Node* node);
// The values that a node reads, with the tensors of a concatenation in place of their list.
std::vector<const torch::jit::Value*> OperandsOf(const torch::jit::Node* node);

}  // namespace semisup::program
