#include "engine/pooling_steps.h"

namespace semisup::engine {
namespace {

template <class T>
kernels::PoolInput<T> ToPoolInput(const Tensor& images) {
  return {.data = images.data<T>(),
          .batch = images.size(0),
          .height = images.size(2),
          .width = images.size(3),
          .channels = images.size(1)};
}

}  // namespace

Tensor RunMaxPool(const Tensor& images, const kernels::MaxPool& pool) {
  const auto dense = images.Dense(Layout::kNhwc);
  auto pooled = Tensor::Empty({dense.size(0), dense.size(1), pool.OutputLength(dense.size(2)),
                               pool.OutputLength(dense.size(3))},
                              dense.dtype(), Layout::kNhwc);
  pooled.set_quantization(dense.quantization());
  WithElements(dense.dtype(), [&]<class T>(T*) {
    kernels::RunMaxPool(ToPoolInput<T>(dense), pool, pooled.mutable_data<T>());
  });
  return pooled;
}

Tensor AveragePoolStep::RunInFloat32(Tensors inputs) const {
  const auto dense = inputs[0].Dense(Layout::kNhwc);
  auto means = Tensor::Empty({dense.size(0), dense.size(1), pool_.OutputLength(0, dense.size(2)),
                              pool_.OutputLength(1, dense.size(3))},
                             DType::kFloat32, Layout::kNhwc);
  kernels::RunAveragePool(ToPoolInput<float>(dense), pool_, means.mutable_data<float>());
  return means;
}

Tensor GlobalAveragePoolStep::Run(Tensors inputs) const {
  const auto dense = inputs[0].Dense(Layout::kNhwc);
  Sizes sizes{dense.size(0), dense.size(1)};
  if (pool_.keeps_dimensions) sizes.insert(sizes.end(), {1, 1});
  auto means = Tensor::Empty(sizes, DType::kFloat32);
  auto* data = means.mutable_data<float>();
  WithElements(dense.dtype(),
               [&]<class T>(T*) { kernels::RunGlobalAveragePool(ToPoolInput<T>(dense), data); });
  if (const auto& quantization = dense.quantization()) {
    const auto scale = static_cast<float>(quantization->scale);
    const auto zero_point = static_cast<float>(quantization->zero_point);
    for (int64_t i = 0; i < means.numel(); i++) data[i] = (data[i] - zero_point) * scale;
  }
  return dense.dtype() == DType::kBFloat16 ? ToBFloat16(means) : means;
}

}  // namespace semisup::engine
