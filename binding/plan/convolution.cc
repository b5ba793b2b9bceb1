#include "convolution.h"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "arena.h"

namespace semisup::plan {

bool ArePlanes(const at::Tensor& images) {
  return images.is_contiguous() && !images.is_contiguous(at::MemoryFormat::ChannelsLast);
}

bool IsOurs(const at::Tensor& tensor) {
  return tensor.use_count() == 1 && tensor.storage().use_count() == 1;
}

at::Tensor Writable(at::Tensor tensor) {
  return IsOurs(tensor) ? std::move(tensor) : tensor.clone();
}

bool ConvolutionSpec::IsDilated() const {
  return std::any_of(dilation.begin(), dilation.end(), [](int64_t one) { return one != 1; });
}

Shape ConvolutionSpec::shape() const {
  return {.inputs = weight.size(1) * groups,
          .outputs = weight.size(0),
          .groups = groups,
          .kernel = {weight.size(2), weight.size(3)},
          .stride = {stride[0], stride[1]},
          .padding = {padding[0], padding[1]}};
}

Convolution::Convolution(ConvolutionSpec spec) : spec_(std::move(spec)) {}

std::vector<Algorithm> Convolution::Ways() const {
  std::vector<Algorithm> ways;
  std::copy_if(kAlgorithms.begin(), kAlgorithms.end(), std::back_inserter(ways),
               [this](Algorithm algorithm) { return Takes(algorithm); });
  return ways;
}

void Convolution::Choose(Setting setting, Algorithm algorithm) {
  // These weights stay.
  const ArenaScope no_arena(nullptr);
  Prepare(algorithm);
  algorithms_[Index(setting)] = algorithm;
}

void Convolution::Trim() {
  Free();
  // The kernels have weights of their own: of these only the shape is wanted from here on.
  if (!IsChosen(Algorithm::kDirect)) {
    spec_.weight = at::zeros({1}, spec_.weight.options()).expand(spec_.weight.sizes());
  }
}

void Convolution::CheckWeights() const {
  TORCH_CHECK(spec_.weight.is_contiguous(), "the weights of this convolution were given up");
}

void Convolution::CheckChannels(const at::Tensor& input) const {
  const int64_t channels = spec_.weight.size(1) * spec_.groups;
  TORCH_CHECK(input.size(1) == channels, "a convolution takes images of ", channels,
              " channels, and was given a tensor of the shape ", input.sizes());
}

std::vector<int64_t> Convolution::OutputSizes(const at::Tensor& input) const {
  std::vector<int64_t> sizes{input.size(0), spec_.weight.size(0), 0, 0};
  for (int side = 0; side < 2; side++) {
    const int64_t reach = spec_.dilation[side] * (spec_.weight.size(2 + side) - 1) + 1;
    const int64_t padded = input.size(2 + side) + 2 * spec_.padding[side];
    TORCH_CHECK(padded >= reach, "a convolution's kernel of ", reach,
                " pixels is larger than a padded image of the shape ", input.sizes());
    sizes[2 + side] = (padded - reach) / spec_.stride[side] + 1;
  }
  return sizes;
}

std::vector<int64_t> Convolution::PooledSizes(std::vector<int64_t> sizes) const {
  for (size_t side = 2; spec_.pooling && side < 4; side++) {
    sizes[side] = spec_.pooling->CountOf(sizes[side]);
  }
  return sizes;
}

bool Convolution::IsChosen(Algorithm algorithm) const {
  return std::count(algorithms_.begin(), algorithms_.end(), algorithm) > 0;
}

}  // namespace semisup::plan
