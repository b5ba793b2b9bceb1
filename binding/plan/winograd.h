#pragma once
#include <cstdint>
#include <vector>

#include "images.h"

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

  void Run(const Images& images) const;

 private:
  int64_t inputs_;
  int64_t outputs_;
  // For each of the 36 products and each 64 outputs: [inputs, 64].
  std::vector<float> weight_;
};

}  // namespace semisup::plan
