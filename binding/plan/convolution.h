#pragma once
#include <ATen/core/Tensor.h>

#include <array>
#include <optional>
#include <vector>

#include "pooling.h"
#include "shape.h"

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
  // Whether maxima over it are wanted, and nothing else of it.
  std::optional<Pooling> pooling = std::nullopt;

  bool IsDilated() const;
  Shape shape() const;
};

// oneDNN's convolution, or one of our own.
enum class Algorithm : char {
  kDirect = 'd',
  kGrouped = 'g',
  kPointwise = 'p',
  kWindowed = 's',
  kWinograd2 = 'v',
  kWinograd4 = 'w',
  kBytes = 'b',
};
inline constexpr std::array kAlgorithms{
    Algorithm::kDirect,    Algorithm::kGrouped,   Algorithm::kPointwise, Algorithm::kWindowed,
    Algorithm::kWinograd2, Algorithm::kWinograd4, Algorithm::kBytes};

// The ways that a plan runs in, each with algorithms of its own: one image with all threads, or a
// part of a batch on each thread.
enum class Setting { kAlone, kPart };

// Whether images lie channel by channel, and not with channels innermost.
bool ArePlanes(const at::Tensor& images);
// Whether nothing else has the tensor, so that it may be overwritten.
bool IsOurs(const at::Tensor& tensor);
// Gives a tensor that may be written to and holds what `tensor` holds: itself, where it is ours.
at::Tensor Writable(at::Tensor tensor);

// A convolution with what follows it, in one pass over its output, by the algorithm that is chosen.
// Tensors are channels-last, but for images that were given. Any number of threads may run it at a
// time.
class Convolution {
 public:
  explicit Convolution(ConvolutionSpec spec);
  virtual ~Convolution() = default;

  // `other` is undefined, or what is to be added, which is overwritten where nothing else holds it.
  // `packed` is what an earlier run with an input of this shape made of the weights, or undefined.
  virtual at::Tensor Run(const at::Tensor& input, at::Tensor other, Setting setting,
                         at::Tensor& packed) const = 0;

  const ConvolutionSpec& spec() const { return spec_; }
  // From here on it gives maxima over what it gave, which must not be a sum.
  void Pool(const Pooling& pooling) { spec_.pooling = pooling; }
  // Whether what is added to it is of another shape than it gives.
  bool Broadcasts(const at::Tensor& input, const at::Tensor& other) const {
    return other.sizes() != OutputSizes(input);
  }
  virtual bool Takes(Algorithm algorithm) const = 0;
  // The algorithms that it takes.
  std::vector<Algorithm> Ways() const;
  Algorithm algorithm(Setting setting) const { return algorithms_[Index(setting)]; }
  void Choose(Setting setting, Algorithm algorithm);
  // Frees the weights of algorithms that are not chosen. No other can be chosen afterwards.
  void Trim();

 protected:
  // Throws where another algorithm cannot be chosen any more.
  void CheckWeights() const;
  // Throws where the input is not what it takes.
  void CheckChannels(const at::Tensor& input) const;
  // What it gives, as [n, c, h, w], before maxima are found.
  std::vector<int64_t> OutputSizes(const at::Tensor& input) const;
  std::vector<int64_t> PooledSizes(std::vector<int64_t> sizes) const;
  bool IsChosen(Algorithm algorithm) const;

  ConvolutionSpec spec_;

 private:
  static size_t Index(Setting setting) { return setting == Setting::kAlone ? 0 : 1; }

  // Makes what an algorithm needs, where it is not there.
  virtual void Prepare(Algorithm algorithm) = 0;
  // Frees what those that are not chosen need.
  virtual void Free() = 0;

  std::array<Algorithm, 2> algorithms_{Algorithm::kDirect, Algorithm::kDirect};
};

}  // namespace semisup::plan
