#pragma once
#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "engine/arena.h"
#include "engine/mapped_file.h"
#include "engine/network.h"
#include "engine/tensor.h"

namespace semisup::compiled {

// A method of a compiled model.
struct Method {
  Method(std::shared_ptr<engine::Arena> arena) : network(std::move(arena), {}) {}

  // E.g. "float32", and what the weights are packed for, e.g. "avx512".
  std::string precision;
  std::string instruction_set;
  // Whether the method returns a list or a tuple of its outputs, not one tensor.
  bool returns_sequence = false;
  engine::Network network;
};

// A compiled model, whose weights are those of its file.
class CompiledModel {
 public:
  // Selects the networks for this processor. Throws ERR_SEMISUP_MODEL_FORMAT if the file is damaged
  // or is not a compiled model, and ERR_SEMISUP_MODEL_PROCESSOR if it has no network for this
  // processor; the message is a clause about the file.
  CompiledModel(const engine::MappedFile& file, const std::shared_ptr<engine::Arena>& arena);

  // JSON.
  const std::string& metadata() const { return metadata_; }
  // By name.
  const std::map<std::string, Method>& methods() const { return methods_; }
  // Runs a method on images, float32 [n, c, h, w], for the selected outputs. Thread-safe. Throws
  // ERR_SEMISUP_SCRIPT.
  engine::Tensors Run(const std::string& method, const engine::Tensor& images,
                      const engine::OutputSelection& selected);

 private:
  std::string metadata_;
  std::map<std::string, Method> methods_;
};

}  // namespace semisup::compiled
