#include "script/grad_cam.h"

#include <ATen/ops/full.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/jit/runtime/interpreter.h>

#include <chrono>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "runtime/error.h"
#include "runtime/handle.h"
#include "runtime/job.h"
#include "script/layer_output.h"
#include "script/script_module_handle.h"
#include "script/tensor.h"
#include "script/value.h"

namespace semisup {
namespace {

struct GradCamRequest {
  std::shared_ptr<ScriptModule> module;
  at::Tensor images;
  std::string layer;
  // Negative for that of the largest logit.
  int64_t class_index;

  // The maps before ReLU, [n, h, w], and the logits, [n, classes], on the CPU.
  c10::IValue Compute() const {
    const auto method = module->module.get_method("forward");
    const auto graph = GraphWithLayerOutput(method, layer);
    const c10::AutoGradMode grad_mode(true);
    std::vector<c10::IValue> stack{module->module._ivalue(), images.to(module->device.load())};
    // Appends the defaults of further arguments.
    method.function().getSchema().checkAndNormalizeInputs(stack, {});
    torch::jit::InterpreterState(torch::jit::Code(graph, "grad_cam")).run(stack);
    const auto logits = stack.at(0).toTensor();
    const auto activations = stack.at(1).toTensor();
    if (activations.dim() != 4) {
      throw Error("ERR_SEMISUP_OPTION_VALUE",
                  "The layer '" + layer + "' returns no maps [n, c, h, w], but a tensor of " +
                      std::to_string(activations.dim()) + " dimensions.");
    }
    if (logits.dim() != 2 || class_index >= logits.size(1)) {
      throw Error("ERR_SEMISUP_SCRIPT", "forward() returned no logits [n, classes].");
    }
    const auto classes = class_index < 0 ? logits.argmax(1, /*keepdim=*/true)
                                         : at::full({logits.size(0), 1}, class_index,
                                                    logits.options().dtype(at::kLong));
    // The images of a batch do not depend on each other, so neither do the gradients of the sum.
    const auto sum = logits.gather(1, classes).sum();
    if (!sum.requires_grad()) {
      throw Error("ERR_SEMISUP_OPTION_VALUE",
                  "The logits do not depend on the layer '" + layer + "'.");
    }
    const auto gradients = torch::autograd::grad({sum}, {activations})[0];
    const auto weights = gradients.mean({2, 3}, /*keepdim=*/true);
    const auto maps = weights.mul(activations.detach()).sum(1);
    return std::make_tuple(maps.to(at::kFloat).cpu(), logits.detach().to(at::kFloat).cpu());
  }
};

}  // namespace

Napi::Value GradCam(const Napi::CallbackInfo& info) {
  const GradCamRequest request{.module = Unwrap<ScriptModule>(info[1]),
                               .images = TensorOf(info[2]),
                               .layer = info[3].As<Napi::String>(),
                               .class_index = info[4].As<Napi::Number>().Int64Value()};
  const SubmitOptions options{
      .executor = Unwrap<Executor>(info[0]),
      .queue = {.task_id = info[5].As<Napi::Number>().Int64Value(),
                .time_limit = std::chrono::milliseconds(info[6].As<Napi::Number>().Int64Value())}};
  auto compute = [request] {
    return WithCode("ERR_SEMISUP_SCRIPT", [&] { return request.Compute(); });
  };
  auto result = [](Napi::Env env, c10::IValue&& value) { return FromIValue(env, value); };
  return Submit(info.Env(), options, std::move(compute), result);
}

}  // namespace semisup
