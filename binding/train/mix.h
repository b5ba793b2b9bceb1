#pragma once
#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace semisup::train {

// How each image of a batch is mixed with another one: mixup (Zhang et al. 2018, arXiv 1710.09412)
// or CutMix (Yun et al. 2019, arXiv 1905.04899).
struct Mix {
  // The weight of the image itself; that of its partner is 1 - lambda.
  double lambda;
  // The partner of each image.
  std::vector<int64_t> partners;
  // For CutMix: the box [y1, x1, y2, x2] that is copied from the partner.
  std::optional<std::array<int64_t, 4>> box;
};

// The images after mixing; those of the argument are not changed.
at::Tensor MixImages(const at::Tensor& images, const Mix& mix);

// Cross-entropy, averaged over the images, of logits [n, classes] and targets: class indices, int64
// [n], or probabilities, float32 [n, classes]; with label smoothing as torch.nn.CrossEntropyLoss
// defines it. Of mixed images, the weighted mean of the losses with the targets of both.
at::Tensor CrossEntropy(const at::Tensor& logits, const at::Tensor& targets, double label_smoothing,
                        const std::optional<Mix>& mix);

}  // namespace semisup::train
