#include "script/builder.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/error.h"
#include "runtime/handle.h"
#include "runtime/job.h"
#include "script/dtype.h"
#include "script/module_spec.h"
#include "script/script_module_handle.h"
#include "tensor/arguments.h"

namespace semisup {
namespace {

namespace jit = torch::jit;

// Builds a module tree. Modules of the same `type` share one TorchScript class, which is compiled
// when the first of them is built.
class Builder {
 public:
  jit::Module Build(const ModuleSpec& spec) {
    std::vector<std::pair<std::string, jit::Module>> modules;
    for (const auto& [name, child] : spec.modules) modules.emplace_back(name, Build(child));

    const auto known = classes_.find(spec.type);
    const auto type = known == classes_.end() ? CreateClass(spec, modules) : known->second;
    jit::Module module(
        c10::ivalue::Object::create(c10::StrongTypePtr(unit_, type), type->numAttributes()));
    module.setattr("training", false);
    for (const auto& tensor : spec.parameters) {
      module.setattr(tensor.name, Zeros(tensor).set_requires_grad(true));
    }
    for (const auto& tensor : spec.buffers) module.setattr(tensor.name, Zeros(tensor));
    for (const auto& [name, value] : spec.attributes) module.setattr(name, value);
    for (const auto& [name, child] : modules) module.setattr(name, child._ivalue());
    if (known == classes_.end()) module.define(spec.source);
    return module;
  }

 private:
  static at::Tensor Zeros(const ModuleSpec::TensorSpec& spec) {
    return at::zeros(spec.shape, spec.dtype);
  }

  c10::ClassTypePtr CreateClass(const ModuleSpec& spec,
                                const std::vector<std::pair<std::string, jit::Module>>& modules) {
    auto type = c10::ClassType::create(c10::QualifiedName("__torch__.semisup." + spec.type), unit_,
                                       /*is_module=*/true);
    for (const auto& tensor : spec.parameters) {
      type->addAttribute(tensor.name, c10::TensorType::get(), /*is_parameter=*/true);
    }
    for (const auto& tensor : spec.buffers) {
      type->addAttribute(tensor.name, c10::TensorType::get(), /*is_parameter=*/false,
                         /*is_buffer=*/true);
    }
    type->addAttribute("training", c10::BoolType::get());
    for (const auto& [name, value] : spec.attributes) type->addAttribute(name, value.type());
    for (const auto& [name, child] : modules) type->addAttribute(name, child.type());
    unit_->register_type(type);
    classes_[spec.type] = type;
    return type;
  }

  std::shared_ptr<jit::CompilationUnit> unit_ = std::make_shared<jit::CompilationUnit>();
  std::map<std::string, c10::ClassTypePtr> classes_;
};

// Returns the parameter or buffer of a dotted name such as `layer1.0.conv1.weight`.
at::Tensor FindTensor(jit::Module module, const std::string& name) {
  size_t begin = 0;
  for (auto dot = name.find('.'); dot != std::string::npos; dot = name.find('.', begin)) {
    module = module.attr(name.substr(begin, dot - begin)).toModule();
    begin = dot + 1;
  }
  return module.attr(name.substr(begin)).toTensor();
}

struct StridedView {
  const uint8_t* data;
  size_t length;
  c10::ScalarType dtype;
  std::vector<int64_t> shape;
  std::vector<int64_t> stride;

  // The bytes from the first element of the view to the end of its last.
  size_t Extent() const {
    if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
    const auto elements = static_cast<int64_t>(length / c10::elementSize(dtype));
    int64_t last = 0;
    for (size_t i = 0; i < shape.size(); i++) {
      // The shape and strides are untrusted and their product may overflow: compare by division.
      if (stride[i] < 0 || (stride[i] > 0 && shape[i] - 1 > (elements - last) / stride[i])) {
        throw Error("ERR_SEMISUP_TENSOR", "The strides exceed the bounds of the data.");
      }
      last += (shape[i] - 1) * stride[i];
    }
    return static_cast<size_t>(last + 1) * c10::elementSize(dtype);
  }
};

void Fill(at::Tensor target, const StridedView& source, const std::string& name) {
  if (target.sizes() != c10::IntArrayRef(source.shape) ||
      source.shape.size() != source.stride.size()) {
    throw Error("ERR_SEMISUP_TENSOR",
                "The shape of the data does not match that of '" + name + "'.");
  }
  if (source.Extent() != source.length) {
    throw Error("ERR_SEMISUP_TENSOR", "Expected " + std::to_string(source.Extent()) +
                                          " bytes for '" + name + "', but received " +
                                          std::to_string(source.length) + ".");
  }
  if (source.length == 0) return;
  // Kernels load whole elements, so data that is not aligned to them is copied first.
  std::unique_ptr<uint8_t[]> aligned;
  const uint8_t* data = source.data;
  if (reinterpret_cast<uintptr_t>(data) % c10::elementSize(source.dtype) != 0) {
    aligned = std::make_unique_for_overwrite<uint8_t[]>(source.length);
    std::memcpy(aligned.get(), data, source.length);
    data = aligned.get();
  }
  const at::NoGradGuard no_grad;
  target.copy_(
      at::from_blob(const_cast<uint8_t*>(data), source.shape, source.stride, source.dtype));
}

}  // namespace

Napi::Value CreateModule(const Napi::CallbackInfo& info) {
  auto spec = ReadModuleSpec(info[1].As<Napi::Object>());
  auto build = [spec = std::move(spec)] {
    return WithCode("ERR_SEMISUP_SCRIPT", [&] { return Builder().Build(spec); });
  };
  auto result = [](Napi::Env env, jit::Module&& module) -> Napi::Value {
    return WrapModule(env, std::move(module), at::kCPU);
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(build), result);
}

Napi::Value FillTensor(const Napi::CallbackInfo& info) {
  const auto module = Unwrap<ScriptModule>(info[1]);
  const std::string name = info[2].As<Napi::String>();
  const auto bytes = info[3].As<Napi::Uint8Array>();
  const auto view = info[4].As<Napi::Object>();
  StridedView source{bytes.Data(), bytes.ByteLength(),
                     DTypeFromName(view.Get("dtype").As<Napi::String>()),
                     ReadSizes(view.Get("shape")), ReadSizes(view.Get("stride"))};

  auto fill = [module, name, source = std::move(source)] {
    return WithCode("ERR_SEMISUP_TENSOR", [&] {
      Fill(FindTensor(module->module, name), source, name);
      return std::monostate{};
    });
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0]), {bytes}}, std::move(fill), &ToUndefined);
}

}  // namespace semisup
