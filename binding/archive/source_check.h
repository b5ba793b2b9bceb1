#pragma once
#include <torch/csrc/jit/frontend/source_range.h>

#include <memory>
#include <string>
#include <vector>

namespace semisup {

// A source file of an archive.
struct SourceFile {
  // E.g. `code/__torch__/models.py`.
  std::string record;
  // The prefix of the names that it defines, e.g. `__torch__.models`.
  std::string qualifier;
  std::shared_ptr<torch::jit::Source> source;
};

// Throws std::runtime_error, with the record and the line, if compiling the files would overflow
// the stack of LibTorch's compiler or keep it busy for minutes. Reads tokens with LibTorch's lexer.
void CheckNesting(const std::vector<SourceFile>& files);

}  // namespace semisup
