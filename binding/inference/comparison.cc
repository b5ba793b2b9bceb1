#include "inference/comparison.h"

#include <ATen/ops/arange.h>

#include <algorithm>
#include <cmath>

#include "program/numerics.h"

namespace semisup {

double CompareWithTorchScript(PlannedMethod& plan, const torch::jit::Method& method,
                              const at::Tensor& images) {
  const auto expected = method({plan.ToInterpreterInput(images)}).toTensor();
  const auto difference = [&](int64_t count) {
    const auto rows = at::arange(count).remainder(images.size(0));
    return program::RelativeDifference(plan.Run(images.index_select(0, rows)).cpu(),
                                       expected.index_select(0, rows));
  };
  const double single = difference(1);
  const double batch = difference(std::max(images.size(0), plan.preferred_batch_size()));
  // std::max would drop a NaN in its second operand.
  return std::isnan(single) || batch < single ? single : batch;
}

}  // namespace semisup
