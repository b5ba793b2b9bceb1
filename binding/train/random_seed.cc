#include "train/random_seed.h"

#include <ATen/Context.h>

#include <mutex>

namespace semisup::train {

RandomSeed::RandomSeed(uint64_t seed, c10::Device device)
    : generator_(at::globalContext().defaultGenerator(device)) {
  const std::lock_guard lock(generator_.mutex());
  state_ = generator_.get_state();
  generator_.set_current_seed(seed);
}

RandomSeed::~RandomSeed() {
  const std::lock_guard lock(generator_.mutex());
  generator_.set_state(state_);
}

}  // namespace semisup::train
