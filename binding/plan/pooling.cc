#include "plan/pooling.h"

#include <ATen/ops/empty.h>

#include "kernels/bfloat16/bfloat16.h"
#include "plan/layout.h"

namespace semisup::plan {
namespace {

// Calls body(T*) with a null pointer to the kernels' type of the elements.
template <class Body>
void WithElements(at::ScalarType dtype, const Body& body) {
  if (dtype == at::kFloat) body(static_cast<float*>(nullptr));
  if (dtype == at::kBFloat16) body(static_cast<kernels::BFloat16*>(nullptr));
  if (dtype == at::kByte) body(static_cast<uint8_t*>(nullptr));
}

template <class T>
kernels::PoolInput<T> ToPoolInput(const at::Tensor& images) {
  return {.data = static_cast<const T*>(images.const_data_ptr()),
          .batch = images.size(0),
          .height = images.size(2),
          .width = images.size(3),
          .channels = images.size(1)};
}

}  // namespace

bool SupportsPooling(at::ScalarType dtype) {
  return dtype == at::kFloat || dtype == at::kBFloat16 || dtype == at::kByte;
}

at::Tensor RunMaxPool(const at::Tensor& images, const kernels::MaxPool& pool) {
  const auto dense = images.contiguous(kNhwc);
  auto pooled = at::empty({dense.size(0), dense.size(1), pool.OutputLength(dense.size(2)),
                           pool.OutputLength(dense.size(3))},
                          dense.options(), kNhwc);
  WithElements(dense.scalar_type(), [&]<class T>(T*) {
    kernels::RunMaxPool(ToPoolInput<T>(dense), pool, static_cast<T*>(pooled.mutable_data_ptr()));
  });
  return pooled;
}

at::Tensor RunAveragePool(const at::Tensor& images, const kernels::AveragePool& pool) {
  const auto dense = images.contiguous(kNhwc);
  auto means = at::empty({dense.size(0), dense.size(1), pool.OutputLength(0, dense.size(2)),
                          pool.OutputLength(1, dense.size(3))},
                         dense.options(), kNhwc);
  kernels::RunAveragePool(ToPoolInput<float>(dense), pool, means.data_ptr<float>());
  return means;
}

at::Tensor RunGlobalAveragePool(const at::Tensor& images) {
  const auto dense = images.contiguous(kNhwc);
  auto means = at::empty({dense.size(0), dense.size(1), 1, 1}, dense.options().dtype(at::kFloat));
  WithElements(dense.scalar_type(), [&]<class T>(T*) {
    kernels::RunGlobalAveragePool(ToPoolInput<T>(dense), means.data_ptr<float>());
  });
  return dense.scalar_type() == at::kBFloat16 ? means.to(at::kBFloat16) : means;
}

}  // namespace semisup::plan
