#include "script_module.h"

#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/serialization/import.h>

#include <fstream>
#include <stdexcept>

#include "error.h"
#include "executor.h"
#include "handle.h"
#include "job.h"
#include "tensor.h"

namespace semisup {
namespace {

using ExtraFiles = std::unordered_map<std::string, std::string>;

int64_t BytesOf(const torch::jit::Module& module) {
  int64_t bytes = 0;
  for (const auto& tensor : module.parameters()) bytes += tensor.nbytes();
  for (const auto& tensor : module.buffers()) bytes += tensor.nbytes();
  return bytes;
}

}  // namespace

Napi::Object WrapModule(Napi::Env env, torch::jit::Module module) {
  const auto bytes = BytesOf(module);
  return Wrap(env, std::make_shared<ScriptModule>(ScriptModule{std::move(module)}), bytes);
}

Napi::Value LoadModule(const Napi::CallbackInfo& info) {
  struct Loaded {
    torch::jit::Module module;
    ExtraFiles extra_files;
  };
  const std::string path = info[1].As<Napi::String>();
  const std::string device = info[2].As<Napi::String>();
  const auto names = info[3].As<Napi::Array>();
  ExtraFiles extra_files;
  for (uint32_t i = 0; i < names.Length(); i++) {
    extra_files[names.Get(i).As<Napi::String>()] = "";
  }

  auto load = [path, device, extra_files]() mutable {
    return WithCode("ERR_SEMISUP_MODEL_FORMAT", [&] {
      auto module = torch::jit::load(path, c10::Device(device), extra_files);
      module.eval();
      return Loaded{std::move(module), std::move(extra_files)};
    });
  };
  auto result = [](Napi::Env env, Loaded&& loaded) -> Napi::Value {
    auto files = Napi::Object::New(env);
    for (const auto& [name, text] : loaded.extra_files) {
      if (!text.empty()) files.Set(name, text);
    }
    auto answer = Napi::Object::New(env);
    answer.Set("module", WrapModule(env, std::move(loaded.module)));
    answer.Set("extraFiles", files);
    return answer;
  };
  return Submit(info.Env(), Unwrap<Executor>(info[0]), std::move(load), result);
}

Napi::Value CallMethod(const Napi::CallbackInfo& info) {
  const auto module = Unwrap<ScriptModule>(info[1]);
  const std::string method = info[2].As<Napi::String>();
  const auto handles = info[3].As<Napi::Array>();
  std::vector<c10::IValue> inputs;
  for (uint32_t i = 0; i < handles.Length(); i++) {
    inputs.emplace_back(Unwrap<Tensor>(handles.Get(i))->tensor);
  }

  auto call = [module, method, inputs = std::move(inputs)]() mutable {
    return WithCode("ERR_SEMISUP_SCRIPT", [&] {
      const c10::InferenceMode inference;
      const auto output = module->module.get_method(method)(std::move(inputs));
      if (!output.isTensor()) {
        throw Error("ERR_SEMISUP_SCRIPT",
                    "The method '" + method + "' gave a " + output.tagKind() + ", no tensor.");
      }
      return output.toTensor();
    });
  };
  auto result = [](Napi::Env env, at::Tensor&& tensor) -> Napi::Value {
    return WrapTensor(env, std::move(tensor));
  };
  return Submit(info.Env(), Unwrap<Executor>(info[0]), std::move(call), result);
}

Napi::Value SaveModule(const Napi::CallbackInfo& info) {
  const auto module = Unwrap<ScriptModule>(info[1]);
  const std::string path = info[2].As<Napi::String>();
  const auto files = info[3].As<Napi::Object>();
  ExtraFiles extra_files;
  for (const auto& entry : files) {
    extra_files[entry.first.As<Napi::String>()] =
        static_cast<Napi::Value>(entry.second).As<Napi::String>();
  }

  auto save = [module, path, extra_files = std::move(extra_files)] {
    return WithCode("ERR_SEMISUP_MODEL_WRITE", [&] {
      // By way of a stream the archive is the same whatever the file's name.
      std::ofstream file(path, std::ios::binary);
      if (!file) throw std::runtime_error("The file cannot be opened for writing.");
      module->module.save(file, extra_files);
      file.close();
      if (!file) throw std::runtime_error("Not all of the file could be written.");
      return Nothing{};
    });
  };
  return Submit(info.Env(), Unwrap<Executor>(info[0]), std::move(save), &Undefined);
}

Napi::Value DisposeModule(const Napi::CallbackInfo& info) {
  Dispose<ScriptModule>(info[0]);
  return info.Env().Undefined();
}

}  // namespace semisup
