#include "engine/concatenation_step.h"

#include "kernels/elementwise/concatenation.h"

namespace semisup::engine {

bool ConcatenationStep::SupportsShapes(const Tensors& inputs) const {
  const auto& first = inputs[0];
  const int64_t dim = first.dim();
  const int64_t dimension = (concatenation_.dimension + dim) % dim;
  if (!(dim == 4 && dimension == 1) && dimension != dim - 1) return false;
  for (const auto& input : inputs) {
    auto sizes = input.sizes();
    if (static_cast<int64_t>(sizes.size()) != dim) return false;
    sizes[dimension] = first.size(dimension);
    if (sizes != first.sizes()) return false;
  }
  return true;
}

Tensor ConcatenationStep::RunInFloat32(Tensors inputs) const {
  auto sizes = inputs[0].sizes();
  const auto dim = static_cast<int64_t>(sizes.size());
  const int64_t dimension = (concatenation_.dimension + dim) % dim;
  const auto layout = dim == 4 && dimension == 1 ? Layout::kNhwc : Layout::kNchw;
  const int64_t rows = inputs[0].numel() / sizes[dimension];
  std::vector<kernels::ConcatenationSource> sources;
  sizes[dimension] = 0;
  for (auto& input : inputs) {
    input = input.Dense(layout);
    const int64_t columns = input.size(dimension);
    sizes[dimension] += columns;
    sources.push_back({input.data<float>(), static_cast<size_t>(columns) * sizeof(float)});
  }
  auto output = Tensor::Empty(sizes, DType::kFloat32, layout);
  kernels::Concatenate(sources, rows, output.mutable_data<float>());
  return output;
}

}  // namespace semisup::engine
