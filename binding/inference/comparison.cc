#include "inference/comparison.h"

#include <ATen/ops/arange.h>

#include <algorithm>
#include <cmath>

#include "program/numerics.h"
#include "script/outputs.h"

namespace semisup {
namespace {

// NaN if either is: std::max would drop a NaN in its second operand.
double Larger(double a, double b) { return std::isnan(a) || b < a ? a : b; }

}  // namespace

double CompareWithTorchScript(PlannedMethod& plan, const torch::jit::Method& method,
                              const at::Tensor& images) {
  const auto expected = OutputsOf(method({plan.ToInterpreterInput(images)}));
  const auto difference = [&](int64_t count) {
    const auto rows = at::arange(count).remainder(images.size(0));
    const auto outputs = plan.Run(images.index_select(0, rows), {});
    double largest = 0;
    for (size_t i = 0; i < expected.size(); i++) {
      const double one =
          program::RelativeDifference(outputs.at(i).cpu(), expected[i].index_select(0, rows));
      largest = Larger(one, largest);
    }
    return largest;
  };
  const double single = difference(1);
  const double batch = difference(std::max(images.size(0), plan.preferred_batch_size()));
  return Larger(single, batch);
}

}  // namespace semisup
