#pragma once
#include <torch/csrc/jit/ir/ir.h>

#include <optional>
#include <vector>

#include "kernels/pooling/max_pool.h"
#include "program/convolution_spec.h"

// Recognizes the operators of a TorchScript graph that a program can represent.
namespace semisup::program {

// A fully connected layer with constant weights.
struct LinearSpec {
  // [outputs, inputs].
  at::Tensor weight;
  // [outputs], or undefined.
  at::Tensor bias;
};

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
// Square windows without dilation only.
std::optional<kernels::MaxPool> MatchMaxPool(const torch::jit::Node* node);
bool IsGlobalAveragePool(const torch::jit::Node* node);

}  // namespace semisup::program
