#include "train/mix.h"

#include <ATen/core/Reduction.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/lerp.h>
#include <ATen/ops/tensor.h>

namespace semisup::train {
namespace {

at::Tensor OfPartners(const at::Tensor& batch, const Mix& mix) {
  return batch.index_select(0, at::tensor(mix.partners, batch.options().dtype(at::kLong)));
}

at::Tensor Loss(const at::Tensor& logits, const at::Tensor& targets, double label_smoothing) {
  return at::cross_entropy_loss(logits, targets, {}, at::Reduction::Mean, /*ignore_index=*/-100,
                                label_smoothing);
}

}  // namespace

at::Tensor MixImages(const at::Tensor& images, const Mix& mix) {
  const auto partners = OfPartners(images, mix);
  if (!mix.box) return at::lerp(partners, images, mix.lambda);
  const auto [y1, x1, y2, x2] = *mix.box;
  const auto in_box = [&](const at::Tensor& batch) {
    return batch.slice(2, y1, y2).slice(3, x1, x2);
  };
  const auto mixed = images.clone();
  in_box(mixed).copy_(in_box(partners));
  return mixed;
}

at::Tensor CrossEntropy(const at::Tensor& logits, const at::Tensor& targets, double label_smoothing,
                        const std::optional<Mix>& mix) {
  const auto loss = Loss(logits, targets, label_smoothing);
  if (!mix) return loss;
  const auto of_partners = Loss(logits, OfPartners(targets, *mix), label_smoothing);
  return at::lerp(of_partners, loss, mix->lambda);
}

}  // namespace semisup::train
