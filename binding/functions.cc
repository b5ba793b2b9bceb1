#include "functions.h"

#include <torch/version.h>

#include <exception>
#include <string>

#include "inference/gpu_device.h"
#include "inference/gpu_image_batch.h"
#include "inference/gpu_jpeg_decoder.h"
#include "inference/gpu_plan.h"
#include "inference/images.h"
#include "inference/planned_methods.h"
#include "kernels/instruction_set.h"
#include "runtime/environment.h"
#include "runtime/executor_handle.h"
#include "runtime/job.h"
#include "runtime/memory.h"
#include "script/builder.h"
#include "script/method.h"
#include "script/module_lifecycle.h"
#include "script/state.h"
#include "script/tensor.h"

namespace semisup {
namespace {

// Wraps each function, because a C++ exception must not propagate into V8.
template <Napi::Value (*function)(const Napi::CallbackInfo&)>
Napi::Value CallGuarded(const Napi::CallbackInfo& info) {
  try {
    return function(info);
  } catch (...) {
    throw Environment::Of(info.Env()).ToJsError(std::current_exception());
  }
}

template <Napi::Value (*function)(const Napi::CallbackInfo&)>
void Export(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<CallGuarded<function>>(exports.Env(), name));
}

}  // namespace

void DefineFunctions(Napi::Env env, Napi::Object exports) {
  DeclareUsageKinds(Environment::Of(env));
  exports.Set("compiledFor", Napi::String::New(env, TORCH_VERSION));
  const auto instruction_set = kernels::NameOf(kernels::ActiveInstructionSet());
  exports.Set("instructionSet", Napi::String::New(env, std::string(instruction_set)));
  Export<Memory>(exports, "memory");
  Export<CreateExecutor>(exports, "createExecutor");
  Export<CancelJob>(exports, "cancelJob");
  Export<AbandonExecutor>(exports, "abandonExecutor");
  Export<CreateTensor>(exports, "createTensor");
  Export<DescribeTensor>(exports, "describeTensor");
  Export<ReadTensor>(exports, "readTensor");
  Export<ConvertTensor>(exports, "convertTensor");
  Export<MoveTensor>(exports, "moveTensor");
  Export<ReshapeTensor>(exports, "reshapeTensor");
  Export<SummarizeTensor>(exports, "summarizeTensor");
  Export<DisposeTensor>(exports, "disposeTensor");
  Export<LoadModule>(exports, "loadModule");
  Export<LoadModuleSync>(exports, "loadModuleSync");
  Export<SaveModule>(exports, "saveModule");
  Export<ConvertModule>(exports, "convertModule");
  Export<CloseExecutor>(exports, "closeExecutor");
  Export<DescribeMethods>(exports, "describeMethods");
  Export<CallMethod>(exports, "callMethod");
  Export<CallMethodSync>(exports, "callMethodSync");
  Export<MethodGraph>(exports, "methodGraph");
  Export<PlanOnCpu>(exports, "planOnCpu");
  Export<SelectAlgorithms>(exports, "selectAlgorithms");
  Export<TunePlan>(exports, "tunePlan");
  Export<ComparePlan>(exports, "comparePlan");
  Export<OpenGpu>(exports, "openGpu");
  Export<OpenGpuSync>(exports, "openGpuSync");
  Export<OpenJpegDecoder>(exports, "openJpegDecoder");
  Export<DecodeJpegs>(exports, "decodeJpegs");
  Export<PlanOnGpu>(exports, "planOnGpu");
  Export<NamedTensors>(exports, "namedTensors");
  Export<Attribute>(exports, "attribute");
  Export<CreateModule>(exports, "createModule");
  Export<FillTensor>(exports, "fillTensor");
  Export<BatchImages>(exports, "batchImages");
  Export<BatchImagesForGpu>(exports, "batchImagesForGpu");
  Export<SoftmaxTopK>(exports, "softmaxTopk");
}

}  // namespace semisup
