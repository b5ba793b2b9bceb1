#pragma once
#include <ATen/core/ivalue.h>
#include <napi.h>

#include <string>
#include <utility>
#include <vector>

namespace semisup {

// ModuleSpec of src/types.ts as a plain struct, so that executor threads need not access V8.
struct ModuleSpec {
  struct TensorSpec {
    std::string name;
    c10::ScalarType dtype;
    std::vector<int64_t> shape;
  };

  std::string type;
  std::string source;
  std::vector<TensorSpec> parameters;
  std::vector<TensorSpec> buffers;
  std::vector<std::pair<std::string, c10::IValue>> attributes;
  std::vector<std::pair<std::string, ModuleSpec>> modules;
};

ModuleSpec ReadModuleSpec(Napi::Object object);

}  // namespace semisup
