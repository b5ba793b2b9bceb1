#pragma once
#include <napi.h>

namespace semisup {

// Train modules: see TorchNative in src/torch/native.ts.
Napi::Value CreateTrainer(const Napi::CallbackInfo& info);
Napi::Value TrainStep(const Napi::CallbackInfo& info);
Napi::Value TrainerState(const Napi::CallbackInfo& info);
Napi::Value RestoreTrainer(const Napi::CallbackInfo& info);
Napi::Value CopyTrained(const Napi::CallbackInfo& info);

}  // namespace semisup
