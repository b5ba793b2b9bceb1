#include "plan/pooling.h"

#include <ATen/ops/empty.h>

#include "kernels/pooling/average_pool.h"
#include "plan/layout.h"

namespace semisup::plan {
namespace {

template <class T>
kernels::PoolInput<T> ToPoolInput(const at::Tensor& images) {
  return {.data = images.const_data_ptr<T>(),
          .batch = images.size(0),
          .height = images.size(2),
          .width = images.size(3),
          .channels = images.size(1)};
}

}  // namespace

bool SupportsPooling(at::ScalarType dtype) { return dtype == at::kFloat || dtype == at::kByte; }

at::Tensor RunMaxPool(const at::Tensor& images, const kernels::MaxPool& pool) {
  const auto dense = images.contiguous(kNhwc);
  auto pooled = at::empty({dense.size(0), dense.size(1), pool.OutputLength(dense.size(2)),
                           pool.OutputLength(dense.size(3))},
                          dense.options(), kNhwc);
  if (dense.scalar_type() == at::kFloat) {
    kernels::RunMaxPool(ToPoolInput<float>(dense), pool, pooled.data_ptr<float>());
  } else {
    kernels::RunMaxPool(ToPoolInput<uint8_t>(dense), pool, pooled.data_ptr<uint8_t>());
  }
  return pooled;
}

at::Tensor RunGlobalAveragePool(const at::Tensor& images) {
  const auto dense = images.contiguous(kNhwc);
  auto means = at::empty({dense.size(0), dense.size(1), 1, 1}, dense.options().dtype(at::kFloat));
  if (dense.scalar_type() == at::kFloat) {
    kernels::RunGlobalAveragePool(ToPoolInput<float>(dense), means.data_ptr<float>());
  } else {
    kernels::RunGlobalAveragePool(ToPoolInput<uint8_t>(dense), means.data_ptr<float>());
  }
  return means;
}

}  // namespace semisup::plan
