#include <string>

#include "compiled/compiled_model_functions.h"
#include "functions.h"
#include "image/batch_images.h"
#include "kernels/instruction_set.h"
#include "runtime/close_executor.h"
#include "runtime/executor_handle.h"
#include "runtime/export.h"
#include "runtime/job.h"
#include "runtime/memory.h"
#include "runtime/network_arena.h"
#include "tensor/host_tensor_functions.h"

namespace semisup {

void DefineFunctions(Napi::Env env, Napi::Object exports) {
  DeclareArenas(env);
  compiled::DeclareMappedFiles(env);
  const auto instruction_set = kernels::NameOf(kernels::ActiveInstructionSet());
  exports.Set("instructionSet", Napi::String::New(env, std::string(instruction_set)));
  Export<Memory>(exports, "memory");
  Export<CreateExecutor>(exports, "createExecutor");
  Export<CancelJob>(exports, "cancelJob");
  Export<AbandonExecutor>(exports, "abandonExecutor");
  Export<CloseExecutor<compiled::CompiledModel>>(exports, "closeExecutor");
  Export<host::CreateTensor>(exports, "createTensor");
  Export<host::DescribeTensor>(exports, "describeTensor");
  Export<host::ReadTensor>(exports, "readTensor");
  Export<host::ReshapeTensor>(exports, "reshapeTensor");
  Export<host::SummarizeTensor>(exports, "summarizeTensor");
  Export<host::ToHostTensor>(exports, "toHostTensor");
  Export<host::DisposeTensor>(exports, "disposeTensor");
  Export<BatchImages>(exports, "batchImages");
  Export<compiled::OpenModel>(exports, "openModel");
  Export<compiled::ReadMetadata>(exports, "readMetadata");
  Export<compiled::CallMethod>(exports, "callMethod");
  Export<compiled::SoftmaxTopK>(exports, "softmaxTopk");
}

}  // namespace semisup
