#pragma once
#include <ATen/core/Tensor.h>

#include <array>
#include <map>
#include <memory>
#include <vector>

#include "kernel.h"

namespace semisup::plan {

// What a convolution is, with its weights, and what follows it at once.
struct ConvolutionSpec {
  at::Tensor weight;
  at::Tensor bias;
  std::vector<int64_t> stride;
  std::vector<int64_t> padding;
  std::vector<int64_t> dilation;
  int64_t groups = 1;
  // Whether another tensor is added to it, and whether all is rectified then.
  bool adds = false;
  bool rectifies = false;
};

// oneDNN's convolution, or one of our own.
enum class Algorithm : char {
  kDirect = 'd',
  kPointwise = 'p',
  kWinograd2 = 'v',
  kWinograd4 = 'w',
};
inline constexpr std::array kAlgorithms{Algorithm::kDirect, Algorithm::kPointwise,
                                        Algorithm::kWinograd2, Algorithm::kWinograd4};

// The ways that a plan runs in, each with algorithms of its own: one image with all threads, or a
// part of a batch on each thread.
enum class Setting { kAlone, kPart };

// Whether nothing else has the tensor, so that it may be overwritten.
bool IsOurs(const at::Tensor& tensor);
// Gives a tensor that may be written to and holds what `tensor` holds: itself, where it is ours.
at::Tensor Writable(at::Tensor tensor);

// A convolution with what follows it, in one pass over its output. Tensors are channels-last, of
// the dtype of the weights. Any number of threads may run it at a time.
class Convolution {
 public:
  // Converts the weights to `dtype`: float32 or bfloat16.
  Convolution(ConvolutionSpec spec, at::ScalarType dtype);

  // `other` is undefined, or what is to be added, which is overwritten where nothing else holds it.
  // `packed` is what an earlier run with an input of this shape made of the weights, or undefined.
  at::Tensor Run(const at::Tensor& input, at::Tensor other, Setting setting, at::Tensor& packed);

  const ConvolutionSpec& spec() const { return spec_; }
  // Whether what is added to it is of another shape than it gives.
  bool Broadcasts(const at::Tensor& input, const at::Tensor& other) const {
    return other.sizes() != OutputSizes(input);
  }
  bool Takes(Algorithm algorithm) const;
  // The algorithms that it takes.
  std::vector<Algorithm> Ways() const;
  Algorithm algorithm(Setting setting) const { return algorithms_[Index(setting)]; }
  void Choose(Setting setting, Algorithm algorithm);
  // Frees the weights of algorithms that are not chosen. No other can be chosen afterwards.
  void Trim();

 private:
  static size_t Index(Setting setting) { return setting == Setting::kAlone ? 0 : 1; }

  // What it gives, as [n, c, h, w].
  std::vector<int64_t> OutputSizes(const at::Tensor& input) const;
  // `other` may be undefined. Where it is not, it is of the shape of the output.
  at::Tensor RunDirect(const at::Tensor& input, at::Tensor other, bool rectifies,
                       const at::Tensor& packed) const;
  at::Tensor RunKernel(const at::Tensor& input, const at::Tensor& other, bool rectifies,
                       const Kernel& kernel) const;
  std::unique_ptr<const Kernel> KernelFor(Algorithm algorithm) const;
  at::Tensor Pack(const at::Tensor& input) const;

  ConvolutionSpec spec_;
  std::array<Algorithm, 2> algorithms_{Algorithm::kDirect, Algorithm::kDirect};
  std::map<Algorithm, std::unique_ptr<const Kernel>> kernels_;
};

}  // namespace semisup::plan
