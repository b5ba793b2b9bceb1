#pragma once
#include <cstdint>
#include <vector>

namespace semisup::plan {

// A 3x3 convolution of stride 1 and padding 1 by Winograd's minimal filtering F(4x4, 3x3): 36
// multiplications for sixteen outputs, where the definition takes 144 (Lavin and Gray, 2015, "Fast
// algorithms for convolutional neural networks"). Images lie row by row, channels innermost.
class Winograd {
 public:
  // Whether this processor has what the kernels need, and they take so many channels.
  static bool Takes(int64_t inputs, int64_t outputs);

  // `weight`: [outputs, inputs, 3, 3], contiguous.
  Winograd(const float* weight, int64_t inputs, int64_t outputs);

  struct Images {
    const float* input;
    const float* bias;
    // Added before the rectifier, as the output lies, or null; may be the output itself.
    const float* other;
    float* output;
    int64_t count;
    int64_t height;
    int64_t width;
    bool rectify;
  };
  void Run(const Images& images) const;

  int64_t bytes() const { return static_cast<int64_t>(weight_.size() * sizeof(float)); }

 private:
  int64_t inputs_;
  int64_t outputs_;
  // For each of the 36 products and each 64 outputs: [inputs, 64].
  std::vector<float> weight_;
};

}  // namespace semisup::plan
