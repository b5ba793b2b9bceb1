#pragma once
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>

namespace semisup::train {

// Seeds the default generator of a device, which operators such as dropout use, and restores its
// state at the end of the scope. The generator belongs to the process: other threads that use it
// meanwhile make the scope's numbers unrepeatable.
class RandomSeed {
 public:
  RandomSeed(uint64_t seed, c10::Device device);
  ~RandomSeed();
  RandomSeed(const RandomSeed&) = delete;
  RandomSeed& operator=(const RandomSeed&) = delete;

 private:
  at::Generator generator_;
  at::Tensor state_;
};

}  // namespace semisup::train
