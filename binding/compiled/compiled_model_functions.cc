#include "compiled/compiled_model_functions.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "engine/compiled_file.h"
#include "engine/memory.h"
#include "image/top_k.h"
#include "runtime/error.h"
#include "runtime/job.h"
#include "runtime/network_arena.h"
#include "runtime/object.h"
#include "runtime/output_selection.h"
#include "tensor/host_tensor.h"

namespace semisup::compiled {
namespace {

constexpr const char* kMappedUsage = "MappedFile";

engine::Tensor ToEngine(const HostTensor& tensor) {
  if (tensor.type != ElementType::kFloat32) {
    throw Error(
        "ERR_SEMISUP_SCRIPT",
        std::string("Expected a float32 tensor, but received one of ") + NameOf(tensor.type) + ".");
  }
  engine::Sizes strides(tensor.shape.size());
  int64_t stride = 1;
  for (size_t i = strides.size(); i-- > 0; stride *= tensor.shape[i]) strides[i] = stride;
  return {tensor.memory, tensor.memory.get(), tensor.shape, std::move(strides),
          engine::DType::kFloat32};
}

// Of float32, dense.
HostTensor FromEngine(const engine::Tensor& tensor) {
  return {ElementType::kFloat32, tensor.sizes(), {tensor.owner(), tensor.mutable_bytes()}};
}

engine::MappedFile CopyOf(const uint8_t* data, size_t bytes) {
  auto memory = engine::AllocateShared(bytes);
  if (bytes > 0) std::memcpy(memory.get(), data, bytes);
  return {memory, static_cast<const char*>(memory.get()), bytes};
}

engine::MappedFile Map(const std::string& path) {
  try {
    return engine::MapFile(path);
  } catch (const std::runtime_error& failure) {
    throw Error("ERR_SEMISUP_MODEL_NOT_FOUND", failure.what());
  }
}

struct OpenedModel {
  std::shared_ptr<CompiledModel> model;
  engine::MappedFile file;
  bool is_mapped;
};

Napi::Object ToJs(Napi::Env env, OpenedModel&& opened) {
  const auto& [model, file, is_mapped] = opened;
  if (is_mapped) {
    const std::weak_ptr weak(model);
    const auto bytes = static_cast<int64_t>(file.bytes);
    Environment::Of(env).ReportUsage(kMappedUsage, [weak, bytes]() -> std::optional<int64_t> {
      return weak.expired() ? std::nullopt : std::optional(bytes);
    });
  }
  auto methods = Napi::Object::New(env);
  for (const auto& [name, method] : model->methods()) {
    auto description = Napi::Object::New(env);
    description.Set("precision", method.precision);
    description.Set("instructionSet", method.instruction_set);
    description.Set("returnsSequence", method.returns_sequence);
    DefineProperty(methods, name, description);
  }
  auto result = Napi::Object::New(env);
  result.Set("metadata", model->metadata());
  result.Set("methods", methods);
  result.Set("model", Wrap(env, model, is_mapped ? 0 : static_cast<int64_t>(file.bytes)));
  return result;
}

}  // namespace

void DeclareMappedFiles(Napi::Env env) { Environment::Of(env).UsageOf(kMappedUsage); }

Napi::Value OpenModel(const Napi::CallbackInfo& info) {
  const auto executor = Unwrap<Executor>(info[0]);
  const auto arena = CreateArena(info.Env(), *executor);
  SubmitOptions options{executor};
  std::function<engine::MappedFile()> read;
  const bool is_mapped = info[1].IsString();
  if (is_mapped) {
    read = [path = info[1].As<Napi::String>().Utf8Value()] { return Map(path); };
  } else {
    const auto bytes = info[1].As<Napi::Uint8Array>();
    options.keep_alive.push_back(bytes);
    read = [data = bytes.Data(), size = bytes.ByteLength()] { return CopyOf(data, size); };
  }
  auto open = [read = std::move(read), arena, is_mapped] {
    return WithCode("ERR_SEMISUP_SCRIPT", [&] {
      auto file = read();
      auto model = std::make_shared<CompiledModel>(file, arena);
      return OpenedModel{std::move(model), std::move(file), is_mapped};
    });
  };
  return Submit(info.Env(), options, std::move(open), &ToJs);
}

Napi::Value ReadMetadata(const Napi::CallbackInfo& info) {
  const std::string path = info[1].As<Napi::String>();
  auto read = [path] {
    try {
      return engine::ReadCompiled(Map(path)).metadata;
    } catch (const engine::InvalidFile& problem) {
      throw Error("ERR_SEMISUP_MODEL_FORMAT", problem.what());
    }
  };
  auto result = [](Napi::Env env, std::string&& text) -> Napi::Value {
    return Napi::String::New(env, text);
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(read), result);
}

Napi::Value CallMethod(const Napi::CallbackInfo& info) {
  const auto model = Unwrap<CompiledModel>(info[1]);
  const std::string method = info[2].As<Napi::String>();
  const auto images = Unwrap<HostTensor>(info[3]);
  const SubmitOptions options{
      .executor = Unwrap<Executor>(info[0]),
      .queue = {.task_id = info[5].As<Napi::Number>().Int64Value(),
                .time_limit = std::chrono::milliseconds(info[6].As<Napi::Number>().Int64Value())}};
  const auto selected = ReadOutputSelection(info[4]).value_or(engine::OutputSelection());
  auto call = [model, method, images, selected] {
    return model->Run(method, ToEngine(*images), selected);
  };
  auto result = [](Napi::Env env, engine::Tensors&& outputs) -> Napi::Value {
    auto array = Napi::Array::New(env, outputs.size());
    for (size_t i = 0; i < outputs.size(); i++) {
      array.Set(static_cast<uint32_t>(i), WrapTensor(env, FromEngine(outputs[i])));
    }
    return array;
  };
  return Submit(info.Env(), options, std::move(call), result);
}

Napi::Value SoftmaxTopK(const Napi::CallbackInfo& info) {
  const auto logits = Unwrap<HostTensor>(info[1]);
  const int64_t k = info[2].As<Napi::Number>().Int64Value();
  auto select = [logits, k, temperatures = ReadTemperatures(info[3])] {
    return WithCode("ERR_SEMISUP_TENSOR", [&] {
      if (logits->type != ElementType::kFloat32 || logits->shape.size() != 2) {
        throw Error("ERR_SEMISUP_TENSOR", "Expected float32 logits [n, classes].");
      }
      const auto* rows = static_cast<const float*>(logits->memory.get());
      return semisup::SoftmaxTopK(rows, logits->shape[0], logits->shape[1], k, temperatures);
    });
  };
  auto result = [](Napi::Env env, TopClasses&& top) { return semisup::ToJs(env, top); };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(select), result);
}

}  // namespace semisup::compiled
