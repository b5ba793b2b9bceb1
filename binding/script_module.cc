#include "script_module.h"

#include <ATen/core/grad_mode.h>
#include <c10/core/Device.h>
#include <torch/csrc/jit/api/module.h>

#include <optional>

#include "archive.h"
#include "dtype.h"
#include "error.h"
#include "handle.h"
#include "job.h"
#include "object.h"

namespace semisup {
namespace {

int64_t BytesOf(const torch::jit::Module& module) {
  int64_t bytes = 0;
  for (const auto& tensor : module.parameters()) bytes += tensor.nbytes();
  for (const auto& tensor : module.buffers()) bytes += tensor.nbytes();
  return bytes;
}

// As torch.nn.Module.to(): the dtype is for what holds floating point numbers.
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

// As torch.jit.freeze(), with all methods kept.
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

struct Loaded {
  OpenedArchive opened;
  c10::Device device;
};

struct LoadRequest {
  Place place;
  Archive archive;
  c10::Device device;
  std::optional<c10::ScalarType> dtype;
  bool freeze;

  explicit LoadRequest(const Napi::CallbackInfo& info)
      : place{Unwrap<Executor>(info[0])},
        device(info[2].As<Napi::String>().Utf8Value()),
        dtype(OptionalDType(info[3])),
        freeze(info[4].ToBoolean()) {
    if (info[1].IsString()) {
      archive = info[1].As<Napi::String>().Utf8Value();
    } else {
      const auto bytes = info[1].As<Napi::Uint8Array>();
      archive = Bytes{bytes.Data(), bytes.ByteLength()};
      place.keep.push_back(bytes);
    }
  }

  auto Work() const {
    return [archive = archive, device = device, dtype = dtype, freeze = freeze] {
      auto opened = ReadArchive(archive, device);
      if (dtype) Convert(opened.module, std::nullopt, dtype);
      if (freeze) opened.module = Freeze(opened.module);
      return Loaded{std::move(opened), device};
    };
  }

  static Napi::Value Result(Napi::Env env, Loaded&& loaded) {
    auto& [opened, device] = loaded;
    auto files = Napi::Object::New(env);
    for (const auto& [name, text] : opened.extra_files) {
      Define(files, name, Napi::String::New(env, text));
    }
    auto answer = Napi::Object::New(env);
    answer.Set("module", WrapModule(env, std::move(opened.module), device));
    answer.Set("extraFiles", files);
    return answer;
  }
};

}  // namespace

Napi::Object WrapModule(Napi::Env env, torch::jit::Module module, c10::Device device) {
  const auto bytes = BytesOf(module);
  return Wrap(env, std::make_shared<ScriptModule>(std::move(module), device), bytes);
}

Napi::Value LoadModule(const Napi::CallbackInfo& info) {
  const LoadRequest request(info);
  return Submit(info.Env(), request.place, request.Work(), &LoadRequest::Result);
}

Napi::Value LoadModuleSync(const Napi::CallbackInfo& info) {
  const LoadRequest request(info);
  return SubmitAndWait(info.Env(), request.place, request.Work(), &LoadRequest::Result);
}

Napi::Value SaveModule(const Napi::CallbackInfo& info) {
  const auto module = Unwrap<ScriptModule>(info[1]);
  const std::string path = info[2].As<Napi::String>();
  ExtraFiles extra_files;
  for (const auto& entry : info[3].As<Napi::Object>()) {
    extra_files[entry.first.As<Napi::String>()] =
        static_cast<Napi::Value>(entry.second).As<Napi::String>();
  }
  auto save = [module, path, extra_files = std::move(extra_files)] {
    WriteArchive(module->module, path, extra_files);
    return Nothing{};
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(save), &Undefined);
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
      return Nothing{};
    });
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(convert), &Undefined);
}

Napi::Value CloseModule(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto executor = Unwrap<Executor>(info[0]);
  std::shared_ptr<ScriptModule> module;
  if (!info[1].IsUndefined()) module = HolderOf<ScriptModule>(info[1]).Release(env);
  auto free = [module = std::move(module)]() mutable {
    module.reset();
    ReturnFreedMemory();
    return Nothing{};
  };
  return EnqueueLast(env, *executor,
                     std::make_unique<FunctionJob<decltype(free), decltype(&Undefined)>>(
                         env, executor, std::move(free), &Undefined));
}

}  // namespace semisup
