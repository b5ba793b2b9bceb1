#include "functions.h"

#include <torch/version.h>

#include "inference/compiled_methods.h"
#include "inference/gpu_device.h"
#include "inference/gpu_image_batch.h"
#include "inference/gpu_jpeg_decoder.h"
#include "inference/gpu_plan.h"
#include "inference/planned_methods.h"
#include "inference/softmax_top_k.h"
#include "runtime/close_executor.h"
#include "runtime/export.h"
#include "script/builder.h"
#include "script/grad_cam.h"
#include "script/method.h"
#include "script/module_lifecycle.h"
#include "script/script_module_handle.h"
#include "script/state.h"
#include "script/tensor.h"
#include "train/logistic_regression.h"
#include "train/trainer_functions.h"

namespace semisup {

void DefineFunctions(Napi::Env env, Napi::Object exports) {
  DefineSharedFunctions(env, exports);
  exports.Set("compiledFor", Napi::String::New(env, TORCH_VERSION));
  Export<DescribeTensor>(exports, "describeTensor");
  Export<ReadTensor>(exports, "readTensor");
  Export<ConvertTensor>(exports, "convertTensor");
  Export<MoveTensor>(exports, "moveTensor");
  Export<ReshapeTensor>(exports, "reshapeTensor");
  Export<SummarizeTensor>(exports, "summarizeTensor");
  Export<ToHostTensor>(exports, "toHostTensor");
  Export<DisposeTensor>(exports, "disposeTensor");
  Export<LoadModule>(exports, "loadModule");
  Export<LoadModuleSync>(exports, "loadModuleSync");
  Export<SaveModule>(exports, "saveModule");
  Export<ConvertModule>(exports, "convertModule");
  Export<CloseExecutor<ScriptModule>>(exports, "closeExecutor");
  Export<DescribeMethods>(exports, "describeMethods");
  Export<CallMethod>(exports, "callMethod");
  Export<CallMethodSync>(exports, "callMethodSync");
  Export<GradCam>(exports, "gradCam");
  Export<MethodGraph>(exports, "methodGraph");
  Export<PlanOnCpu>(exports, "planOnCpu");
  Export<SelectAlgorithms>(exports, "selectAlgorithms");
  Export<TunePlan>(exports, "tunePlan");
  Export<ComparePlan>(exports, "comparePlan");
  Export<CompileMethod>(exports, "compileMethod");
  Export<WriteCompiled>(exports, "writeCompiled");
  Export<OpenGpu>(exports, "openGpu");
  Export<OpenGpuSync>(exports, "openGpuSync");
  Export<OpenJpegDecoder>(exports, "openJpegDecoder");
  Export<DecodeJpegs>(exports, "decodeJpegs");
  Export<PlanOnGpu>(exports, "planOnGpu");
  Export<NamedTensors>(exports, "namedTensors");
  Export<Attribute>(exports, "attribute");
  Export<CreateModule>(exports, "createModule");
  Export<FillTensor>(exports, "fillTensor");
  Export<CreateTrainer>(exports, "createTrainer");
  Export<TrainStep>(exports, "trainStep");
  Export<TrainerState>(exports, "trainerState");
  Export<RestoreTrainer>(exports, "restoreTrainer");
  Export<CopyTrained>(exports, "copyTrained");
  Export<BatchImagesForGpu>(exports, "batchImagesForGpu");
  Export<SoftmaxTopK>(exports, "softmaxTopk");
  Export<PrincipalAxes>(exports, "principalAxes");
  Export<FitLogisticRegression>(exports, "fitLogisticRegression");
}

}  // namespace semisup
