#include <string>

#include "augment/augment_images.h"
#include "functions.h"
#include "image/batch_images.h"
#include "kernels/instruction_set.h"
#include "runtime/executor_handle.h"
#include "runtime/export.h"
#include "runtime/job.h"
#include "runtime/memory.h"
#include "runtime/network_arena.h"

namespace semisup {

void DefineSharedFunctions(Napi::Env env, Napi::Object exports) {
  DeclareArenas(env);
  const auto instruction_set = kernels::NameOf(kernels::ActiveInstructionSet());
  exports.Set("instructionSet", Napi::String::New(env, std::string(instruction_set)));
  Export<Memory>(exports, "memory");
  Export<CreateExecutor>(exports, "createExecutor");
  Export<CancelJob>(exports, "cancelJob");
  Export<AbandonExecutor>(exports, "abandonExecutor");
  Export<BatchImages>(exports, "batchImages");
  Export<augment::AugmentImages>(exports, "augmentImages");
}

}  // namespace semisup
