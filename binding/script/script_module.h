#pragma once
#include <c10/core/Device.h>
#include <torch/csrc/jit/api/module.h>

#include <atomic>
#include <utility>

#include "script/plans.h"

namespace semisup {

struct ScriptModule {
  ScriptModule(torch::jit::Module loaded, c10::Device weights_device)
      : module(std::move(loaded)), device(weights_device) {}
  torch::jit::Module module;
  // The device of the weights.
  std::atomic<c10::Device> device;
  Plans plans;
};

}  // namespace semisup
