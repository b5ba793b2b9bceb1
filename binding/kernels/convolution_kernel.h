#pragma once
#include <cstdint>

#include "kernels/elementwise/activation.h"
#include "kernels/pooling/max_pool.h"
#include "kernels/workspace.h"

namespace semisup::kernels {

// NCHW images of at most this many channels are read as they are: converting them to NHWC first
// would take longer.
constexpr int64_t kMaxNchwChannels = 4;

// The tensors of one run: of float or BFloat16, NHWC.
template <class T>
struct ConvolutionArguments {
  const T* input;
  // [output_channels], or null.
  const float* bias;
  // Added before the ReLU, of the output's shape, or null; may alias the output.
  const T* residual;
  T* output;
  int64_t batch;
  // Of the convolution's output, before pooling if `max_pool` is set.
  int64_t height;
  int64_t width;
  int64_t input_height;
  int64_t input_width;
  bool relu;
  // Applied last.
  Activation activation = {};
  // Set only for kernels that fuse max pooling: `output` then receives the pooled output.
  const MaxPool* max_pool = nullptr;
  // Whether the input is NCHW. Set only for kernels that accept it.
  bool is_nchw = false;
};

// One algorithm for a convolution, with its packed weights. Thread-safe.
template <class T>
class ConvolutionKernel {
 public:
  virtual ~ConvolutionKernel() = default;
  virtual void Run(const ConvolutionArguments<T>& arguments, Workspace& workspace) const = 0;
  // Whether the input must contain only the pixels that the stride selects.
  virtual bool NeedsSubsampledInput() const { return false; }
  virtual bool AcceptsNchw() const { return false; }
  virtual bool FusesMaxPool() const { return false; }
};

}  // namespace semisup::kernels
