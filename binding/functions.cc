#include "functions.h"

#include <torch/version.h>

#include "batch.h"
#include "builder.h"
#include "environment.h"
#include "executor.h"
#include "gpu_device.h"
#include "job.h"
#include "jpegs.h"
#include "memory.h"
#include "method.h"
#include "script_module.h"
#include "state.h"
#include "tensor.h"
#include "topk.h"

namespace semisup {
namespace {

// C++ exceptions must not cross into V8: each function is called through this.
template <Napi::Value (*function)(const Napi::CallbackInfo&)>
Napi::Value Guarded(const Napi::CallbackInfo& info) {
  try {
    return function(info);
  } catch (...) {
    throw Environment::Of(info.Env()).ToJs(std::current_exception());
  }
}

template <Napi::Value (*function)(const Napi::CallbackInfo&)>
void Define(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<Guarded<function>>(exports.Env(), name));
}

}  // namespace

void DefineFunctions(Napi::Env env, Napi::Object exports) {
  exports.Set("compiledFor", Napi::String::New(env, TORCH_VERSION));
  Define<Memory>(exports, "memory");
  Define<CreateExecutor>(exports, "createExecutor");
  Define<CancelJob>(exports, "cancelJob");
  Define<CreateTensor>(exports, "createTensor");
  Define<DescribeTensor>(exports, "describeTensor");
  Define<ReadTensor>(exports, "readTensor");
  Define<ConvertTensor>(exports, "convertTensor");
  Define<MoveTensor>(exports, "moveTensor");
  Define<ReshapeTensor>(exports, "reshapeTensor");
  Define<DisposeTensor>(exports, "disposeTensor");
  Define<LoadModule>(exports, "loadModule");
  Define<LoadModuleSync>(exports, "loadModuleSync");
  Define<SaveModule>(exports, "saveModule");
  Define<ConvertModule>(exports, "convertModule");
  Define<CloseModule>(exports, "closeModule");
  Define<DescribeMethods>(exports, "describeMethods");
  Define<CallMethod>(exports, "callMethod");
  Define<CallMethodSync>(exports, "callMethodSync");
  Define<MethodGraph>(exports, "methodGraph");
  Define<PlanMethod>(exports, "planMethod");
  Define<ChoosePlan>(exports, "choosePlan");
  Define<TunePlan>(exports, "tunePlan");
  Define<ComparePlan>(exports, "comparePlan");
  Define<OpenGpu>(exports, "openGpu");
  Define<OpenGpuSync>(exports, "openGpuSync");
  Define<OpenJpegs>(exports, "openJpegs");
  Define<BatchJpegs>(exports, "batchJpegs");
  Define<PlanOnGpu>(exports, "planOnGpu");
  Define<NamedTensors>(exports, "namedTensors");
  Define<Attribute>(exports, "attribute");
  Define<CreateModule>(exports, "createModule");
  Define<FillTensor>(exports, "fillTensor");
  Define<BatchImages>(exports, "batchImages");
  Define<Topk>(exports, "topk");
}

}  // namespace semisup
