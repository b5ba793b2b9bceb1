#pragma once
#include <string>
#include <vector>

#include "engine/network_description.h"
#include "engine/tensor.h"

// Networks with a step of every kind, in the precisions that this processor has kernels for. The
// first has two outputs, of which the second is that of its step kSecondOutputStep.
inline constexpr size_t kSecondOutputStep = 2;
std::vector<semisup::engine::NetworkDescription> ExampleNetworks();

// A batch of random images for them.
semisup::engine::Tensor ExampleImages(int64_t count);
