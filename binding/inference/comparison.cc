#include "inference/comparison.h"

#include <ATen/ops/arange.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "program/numerics.h"
#include "script/outputs.h"

namespace semisup {

double CompareWithTorchScript(PlannedMethod& plan, const torch::jit::Method& method,
                              const at::Tensor& images) {
  const auto expected = OutputsOf(method({plan.ToInterpreterInput(images)}));
  const auto difference = [&](int64_t count) {
    const auto rows = at::arange(count).remainder(images.size(0));
    auto outputs = plan.Run(images.index_select(0, rows), {});
    for (auto& output : outputs) output = output.cpu();
    std::vector<at::Tensor> expected_rows;
    for (const auto& output : expected) expected_rows.push_back(output.index_select(0, rows));
    return program::LargestRelativeDifference(outputs, expected_rows);
  };
  const double single = difference(1);
  const double batch = difference(std::max(images.size(0), plan.preferred_batch_size()));
  // std::max would drop a NaN in its second operand.
  return std::isnan(single) || batch < single ? single : batch;
}

}  // namespace semisup
