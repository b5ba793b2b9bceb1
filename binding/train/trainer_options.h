#pragma once
#include <napi.h>

#include "train/trainer.h"

namespace semisup::train {

// TrainerSettings and StepSettings of src/torch/native.ts.
TrainerOptions ReadTrainerOptions(Napi::Object object);
StepOptions ReadStepOptions(Napi::Object object);

}  // namespace semisup::train
