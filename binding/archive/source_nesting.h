#pragma once
#include <torch/csrc/jit/frontend/lexer.h>

#include <cstddef>
#include <vector>

namespace semisup {

// How deep the statements of a source file are nested, as LibTorch's parser will nest them.
// Receives the tokens one by one.
class SourceNesting {
 public:
  void Add(const torch::jit::Token& token);
  // An upper bound on the depth of the current statement so far.
  size_t depth() const { return depth_; }
  // The number of blocks around the current token.
  size_t blocks() const { return blocks_; }

 private:
  // The inside of a pair of brackets, or a statement.
  struct Level {
    // Operators since the last comma: each adds a node around the ones before.
    size_t operators = 0;
    // The deepest brackets since the last comma.
    size_t brackets = 0;
    // The deepest part before the last comma.
    size_t deepest = 0;

    size_t depth() const;
    void EndPart();
  };

  void BeginStatement();
  void Measure();

  std::vector<Level> levels_{1};
  size_t blocks_ = 0;
  // The elif branches of the current function: each is inside the one before.
  size_t branches_ = 0;
  size_t depth_ = 0;
};

}  // namespace semisup
