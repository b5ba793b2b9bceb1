#include "script/module_lifecycle.h"

#include <ATen/core/grad_mode.h>
#include <c10/core/Device.h>
#include <torch/csrc/jit/api/module.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "archive/archive.h"
#include "runtime/error.h"
#include "runtime/handle.h"
#include "runtime/job.h"
#include "runtime/object.h"
#include "script/dtype.h"
#include "script/script_module_handle.h"

namespace semisup {
namespace {

// Like torch.nn.Module.to(): `dtype` applies only to floating-point tensors.
void Convert(torch::jit::Module& module, std::optional<c10::Device> device,
             std::optional<c10::ScalarType> dtype) {
  const at::NoGradGuard no_grad;
  const auto convert = [&](at::Tensor tensor) {
    const auto target = dtype && tensor.is_floating_point() ? *dtype : tensor.scalar_type();
    tensor.set_data(tensor.to(device.value_or(tensor.device()), target));
  };
  for (const auto& tensor : module.parameters()) convert(tensor);
  for (const auto& tensor : module.buffers()) convert(tensor);
}

// Like torch.jit.freeze(), but preserves every method.
torch::jit::Module Freeze(const torch::jit::Module& module) {
  std::vector<std::string> methods;
  for (const auto& method : module.get_methods()) methods.push_back(method.name());
  return torch::jit::freeze(module, methods);
}

std::optional<c10::ScalarType> OptionalDType(Napi::Value name) {
  if (name.IsUndefined()) return std::nullopt;
  return DTypeFromName(name.As<Napi::String>());
}

std::optional<c10::Device> OptionalDevice(Napi::Value name) {
  if (name.IsUndefined()) return std::nullopt;
  return c10::Device(name.As<Napi::String>().Utf8Value());
}

struct LoadedModule {
  LoadedArchive archive;
  c10::Device device;
};

struct LoadRequest {
  SubmitOptions options;
  ArchiveSource source;
  c10::Device device;
  std::optional<c10::ScalarType> dtype;
  bool freeze;
  bool verify;

  explicit LoadRequest(const Napi::CallbackInfo& info)
      : options{Unwrap<Executor>(info[0])},
        device(info[2].As<Napi::String>().Utf8Value()),
        dtype(OptionalDType(info[3])),
        freeze(info[4].ToBoolean()),
        verify(info[5].ToBoolean()) {
    if (info[1].IsString()) {
      source = info[1].As<Napi::String>().Utf8Value();
    } else {
      const auto bytes = info[1].As<Napi::Uint8Array>();
      source = ByteView{bytes.Data(), bytes.ByteLength()};
      options.keep_alive.push_back(bytes);
    }
  }

  auto Work() const {
    return [source = source, device = device, dtype = dtype, freeze = freeze, verify = verify] {
      auto archive = ReadArchive(source, device, verify);
      if (dtype) Convert(archive.module, std::nullopt, dtype);
      if (freeze) archive.module = Freeze(archive.module);
      return LoadedModule{std::move(archive), device};
    };
  }

  static Napi::Value Result(Napi::Env env, LoadedModule&& loaded) {
    auto& [archive, device] = loaded;
    auto files = Napi::Object::New(env);
    for (const auto& [name, content] : archive.extra_files) {
      auto bytes = Napi::Uint8Array::New(env, content.size());
      std::copy(content.begin(), content.end(), bytes.Data());
      DefineProperty(files, name, bytes);
    }
    auto result = Napi::Object::New(env);
    result.Set("module", WrapModule(env, std::move(archive.module), device));
    result.Set("extraFiles", files);
    return result;
  }
};

}  // namespace

Napi::Value LoadModule(const Napi::CallbackInfo& info) {
  const LoadRequest request(info);
  return Submit(info.Env(), request.options, request.Work(), &LoadRequest::Result);
}

Napi::Value LoadModuleSync(const Napi::CallbackInfo& info) {
  const LoadRequest request(info);
  return SubmitAndWait(info.Env(), request.options, request.Work(), &LoadRequest::Result);
}

Napi::Value SaveModule(const Napi::CallbackInfo& info) {
  const auto module = Unwrap<ScriptModule>(info[1]);
  const std::string path = info[2].As<Napi::String>();
  ExtraFiles extra_files;
  for (const auto& entry : info[3].As<Napi::Object>()) {
    const auto bytes = static_cast<Napi::Value>(entry.second).As<Napi::Uint8Array>();
    extra_files[entry.first.As<Napi::String>()].assign(bytes.Data(),
                                                       bytes.Data() + bytes.ByteLength());
  }
  auto save = [module, path, extra_files = std::move(extra_files)] {
    WriteArchive(module->module, path, extra_files);
    return std::monostate{};
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(save), &ToUndefined);
}

Napi::Value ConvertModule(const Napi::CallbackInfo& info) {
  const auto module = Unwrap<ScriptModule>(info[1]);
  const auto device = OptionalDevice(info[2]);
  const auto dtype = OptionalDType(info[3]);
  auto convert = [module, device, dtype] {
    return WithCode("ERR_SEMISUP_SCRIPT", [&] {
      Convert(module->module, device, dtype);
      if (device) module->device = *device;
      module->plans.Clear();
      return std::monostate{};
    });
  };
  const SubmitOptions options{.executor = Unwrap<Executor>(info[0]),
                              .queue = {.is_exclusive = true}};
  return Submit(info.Env(), options, std::move(convert), &ToUndefined);
}

}  // namespace semisup
