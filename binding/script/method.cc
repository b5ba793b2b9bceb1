#include "script/method.h"

#include <ATen/core/function_schema.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <sstream>

#include "runtime/error.h"
#include "runtime/handle.h"
#include "runtime/job.h"
#include "runtime/object.h"
#include "runtime/output_selection.h"
#include "script/await_device.h"
#include "script/outputs.h"
#include "script/script_module_handle.h"
#include "script/value.h"

namespace semisup {
namespace {

using Stack = std::vector<c10::IValue>;

torch::jit::Method FindMethod(const ScriptModule& script, const std::string& name) {
  if (auto method = script.module.find_method(name)) return *method;
  std::string names;
  for (const auto& method : script.module.get_methods()) {
    names += (names.empty() ? "" : ", ") + method.name();
  }
  throw Error("ERR_SEMISUP_SCRIPT_ARGUMENT",
              "The module has no method '" + name + "'. Its methods are " + names + ".");
}

// Matches the arguments of a call to a schema, without `self`.
class ArgumentReader {
 public:
  ArgumentReader(const c10::FunctionSchema& schema, Napi::Array positional, Napi::Object named)
      : schema_(schema), positional_(positional), named_(named), names_(OwnPropertyNames(named)) {}

  Stack Read() const {
    CheckNames();
    Stack stack;
    const auto& arguments = schema_.arguments();
    for (size_t i = 1; i < arguments.size(); i++) stack.push_back(ReadOne(arguments[i], i - 1));
    if (positional_.Length() > CountPositional()) {
      throw Error("ERR_SEMISUP_SCRIPT_ARGUMENT",
                  "Expected at most " + std::to_string(CountPositional()) +
                      " positional arguments for " + schema_.name() + "(), but received " +
                      std::to_string(positional_.Length()) + ".");
    }
    return stack;
  }

 private:
  size_t CountPositional() const {
    const auto& arguments = schema_.arguments();
    return std::count_if(arguments.begin() + 1, arguments.end(),
                         [](const auto& argument) { return !argument.kwarg_only(); });
  }

  c10::IValue ReadOne(const c10::Argument& argument, size_t index) const {
    const auto& name = argument.name();
    const std::string location = "the argument '" + name + "' of " + schema_.name() + "()";
    const bool is_positional = !argument.kwarg_only() && index < positional_.Length();
    const bool is_named = std::find(names_.begin(), names_.end(), name) != names_.end();
    if (is_positional && is_named) {
      throw Error("ERR_SEMISUP_SCRIPT_ARGUMENT",
                  "Expected one value for " + location + ", but received two.");
    }
    const Napi::Value value = is_positional ? positional_.Get(static_cast<uint32_t>(index))
                              : is_named    ? named_.Get(name)
                                            : positional_.Env().Undefined();
    if (value.IsUndefined() && argument.default_value()) {
      return Snapshot(*argument.default_value());
    }
    if (!is_positional && !is_named) {
      throw Error("ERR_SEMISUP_SCRIPT_ARGUMENT", "Expected " + argument.type()->annotation_str() +
                                                     " for " + location +
                                                     ", but received no value.");
    }
    return ToIValue(value, argument.type(), location);
  }

  void CheckNames() const {
    const auto& arguments = schema_.arguments();
    for (const auto& name : names_) {
      const bool known = std::any_of(arguments.begin() + 1, arguments.end(),
                                     [&](const auto& argument) { return argument.name() == name; });
      if (known) continue;
      throw Error("ERR_SEMISUP_SCRIPT_ARGUMENT",
                  schema_.name() + "() has no argument '" + name + "'.");
    }
  }

  const c10::FunctionSchema& schema_;
  Napi::Array positional_;
  Napi::Object named_;
  std::vector<std::string> names_;
};

const c10::TypePtr& ReturnType(const torch::jit::Method& method) {
  return method.function().getSchema().returns().at(0).type();
}

struct CallRequest {
  std::shared_ptr<ScriptModule> module;
  torch::jit::Method method;
  Stack stack;
  // Of a call for some outputs only.
  std::optional<OutputSelection> selected;

  explicit CallRequest(const Napi::CallbackInfo& info)
      : module(Unwrap<ScriptModule>(info[1])),
        method(FindMethod(*module, info[2].As<Napi::String>())),
        stack(ArgumentReader(method.function().getSchema(), info[3].As<Napi::Array>(),
                             info[4].As<Napi::Object>())
                  .Read()),
        selected(ReadOutputSelection(info[5])) {}

  auto Work() {
    return [module = module, method = method, stack = std::move(stack),
            selected = selected]() mutable {
      return WithCode("ERR_SEMISUP_SCRIPT", [&] {
        const c10::InferenceMode inference;
        const auto plan = module->plans.Find(method.name());
        if (plan && stack.size() == 1 && stack[0].isTensor() &&
            plan->Accepts(stack[0].toTensor())) {
          auto outputs = plan->Run(stack[0].toTensor(), selected.value_or(OutputSelection()));
          if (selected) return c10::IValue(c10::List<at::Tensor>(outputs));
          return FromOutputs(std::move(outputs), ReturnType(method));
        }
        const c10::Device device = module->device;
        if (!device.is_cpu()) {
          for (auto& argument : stack) argument = CopyToDevice(argument, device);
        }
        const auto value = method(std::move(stack));
        AwaitDevice(device);
        // The result may be on another device than the weights.
        if (value.isTensor() && value.toTensor().defined()) {
          AwaitDevice(value.toTensor().device());
        }
        return selected ? SelectOutputs(value, *selected) : Snapshot(value);
      });
    };
  }

  static Napi::Value Result(Napi::Env env, c10::IValue&& value) { return FromIValue(env, value); }
};

// A default without a JavaScript equivalent is described as TorchScript prints it.
Napi::Value DescribeDefault(Napi::Env env, const c10::IValue& value) {
  try {
    return FromIValue(env, value);
  } catch (const Error&) {
    std::ostringstream text;
    text << value;
    return Napi::String::New(env, text.str());
  }
}

Napi::Object DescribeArgument(Napi::Env env, const c10::Argument& argument) {
  auto description = Napi::Object::New(env);
  description.Set("name", argument.name());
  description.Set("type", argument.type()->annotation_str());
  description.Set("keywordOnly", argument.kwarg_only());
  if (argument.default_value()) {
    description.Set("default", DescribeDefault(env, *argument.default_value()));
  }
  return description;
}

}  // namespace

Napi::Value DescribeMethods(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  auto methods = Napi::Object::New(env);
  for (const auto& method : Unwrap<ScriptModule>(info[0])->module.get_methods()) {
    const auto& schema = method.function().getSchema();
    auto arguments = Napi::Array::New(env);
    for (size_t i = 1; i < schema.arguments().size(); i++) {
      arguments.Set(static_cast<uint32_t>(i - 1), DescribeArgument(env, schema.arguments()[i]));
    }
    auto description = Napi::Object::New(env);
    description.Set("arguments", arguments);
    description.Set("returns", schema.returns().at(0).type()->annotation_str());
    DefineProperty(methods, method.name(), description);
  }
  return methods;
}

Napi::Value CallMethod(const Napi::CallbackInfo& info) {
  CallRequest request(info);
  const SubmitOptions options{
      .executor = Unwrap<Executor>(info[0]),
      .queue = {.task_id = info[6].As<Napi::Number>().Int64Value(),
                .time_limit = std::chrono::milliseconds(info[7].As<Napi::Number>().Int64Value())}};
  return Submit(info.Env(), options, request.Work(), &CallRequest::Result);
}

Napi::Value CallMethodSync(const Napi::CallbackInfo& info) {
  CallRequest request(info);
  const SubmitOptions options{Unwrap<Executor>(info[0])};
  return SubmitAndWait(info.Env(), options, request.Work(), &CallRequest::Result);
}

Napi::Value MethodGraph(const Napi::CallbackInfo& info) {
  const auto module = Unwrap<ScriptModule>(info[1]);
  const auto method = FindMethod(*module, info[2].As<Napi::String>());
  auto print = [module, method] { return method.graph()->toString(); };
  auto result = [](Napi::Env env, std::string&& text) -> Napi::Value {
    return Napi::String::New(env, text);
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(print), result);
}

}  // namespace semisup
