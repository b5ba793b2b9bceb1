#pragma once
#include <cstdint>

namespace semisup::plan {

struct Pooling;

// Images of so many channels are read channel by channel where they lie so: to reorder them first
// would take longer.
constexpr int64_t kMostPlanes = 4;

// What a convolution of our own reads and writes: float32, row by row, channels innermost.
struct Images {
  const float* input;
  // One for each output, or null.
  const float* bias;
  // Added before the rectifier, as the output lies, or null; may be the output itself.
  const float* other;
  float* output;
  int64_t count;
  // Of the output, and of the input where steps are longer than one.
  int64_t height;
  int64_t width;
  int64_t input_height;
  int64_t input_width;
  bool rectify;
  // Where these are wanted, maxima over the output, which is not kept then; height and width are
  // those before. For kernels that pool.
  const Pooling* pooling = nullptr;
  // Whether the input lies channel by channel. For kernels that take it so.
  bool are_planes = false;
};

// A way of our own to do a convolution of one kind, with its weights. Any number of threads may run
// it at a time.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual void Run(const Images& images) const = 0;
  // Whether the input must be without the pixels that lie between the steps of the convolution.
  virtual bool SkipsPixels() const { return false; }
  virtual bool TakesPlanes() const { return false; }
  // Whether it finds maxima over its output as well.
  virtual bool Pools() const { return false; }
};

}  // namespace semisup::plan
