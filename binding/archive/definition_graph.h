#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace semisup {

// Which definitions of an archive's code refer to which. LibTorch compiles a class, function or
// method when another one that it compiles refers to it, so it recurses as deep as the longest
// chain of references.
class DefinitionGraph {
 public:
  using Id = uint32_t;

  // A definition, by its qualified name: `__torch__.Net`, or `__torch__.Net/forward` for a method.
  Id Define(const std::string& name, std::string record, size_t line);
  // Adds to the nesting of the code of a definition; the greatest counts.
  void SetNesting(Id definition, size_t nesting);
  // `name` may be that of a definition, of a part of it (a constant, a method), or of none.
  void Refer(Id from, std::string name);

  struct Chain {
    // The nesting of all code in it.
    size_t nesting;
    // Where it begins.
    std::string record;
    size_t line;
  };
  // The chain with the most nesting. Definitions that refer to each other count together.
  Chain Longest() const;

 private:
  struct Node {
    std::string record;
    size_t line = 0;
    size_t nesting = 0;
    std::vector<std::string> references;
  };

  std::vector<std::vector<Id>> Edges() const;

  std::vector<Node> nodes_;
  std::unordered_map<std::string, Id> ids_;
};

}  // namespace semisup
