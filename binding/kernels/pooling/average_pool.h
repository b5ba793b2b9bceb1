#pragma once
#include "kernels/pooling/max_pool.h"

namespace semisup::kernels {

// Global average pooling: writes the mean of each channel of each image, [batch, channels].
template <class T>
void RunGlobalAveragePool(const PoolInput<T>& input, float* means);

}  // namespace semisup::kernels
