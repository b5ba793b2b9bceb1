#include "script/builder.h"

#include <ATen/ops/zeros.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/error.h"
#include "runtime/handle.h"
#include "runtime/job.h"
#include "script/fill.h"
#include "script/module_spec.h"
#include "script/script_module_handle.h"

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
  auto source = ReadStridedView(bytes, info[4].As<Napi::Object>());
  auto fill = [module, name, source = std::move(source)] {
    return WithCode("ERR_SEMISUP_TENSOR", [&] {
      Fill(FindTensor(module->module, name), source, name);
      return std::monostate{};
    });
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0]), {bytes}}, std::move(fill), &ToUndefined);
}

}  // namespace semisup
