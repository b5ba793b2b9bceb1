#include "archive/source_check.h"

#include <torch/csrc/jit/frontend/lexer.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "archive/definition_graph.h"
#include "archive/named_tuples.h"
#include "archive/nesting.h"
#include "archive/source_nesting.h"
#include "archive/zip_directory.h"

namespace semisup {
namespace {

namespace jit = torch::jit;

// LibTorch's lexer recurses on comments, empty lines and continued lines.
constexpr size_t kMaxLinesWithoutCode = 1000;

[[noreturn]] void Fail(const std::string& record, size_t line, const std::string& reason) {
  throw std::runtime_error("In the record " + Quote(record) + ", line " + std::to_string(line) +
                           ", " + reason);
}

void CheckLinesWithoutCode(const std::string& record, std::string_view text) {
  size_t line = 1;
  size_t count = 0;
  for (size_t begin = 0; begin < text.size(); line++) {
    const auto end = std::min(text.find('\n', begin), text.size());
    const auto first = text.find_first_not_of(" \t\r\f\v", begin);
    const bool has_code = first < end && text[first] != '#' && text[first] != '\\';
    count = has_code ? 0 : count + 1;
    if (count > kMaxLinesWithoutCode) {
      Fail(record, line,
           "more than " + std::to_string(kMaxLinesWithoutCode) +
               " lines in succession have no code.");
    }
    begin = end + 1;
  }
}

// Follows the definitions in a file's tokens, and what they refer to.
class Definitions {
 public:
  Definitions(const SourceFile& file, DefinitionGraph& graph, NamedTuples& tuples)
      : file_(file), graph_(graph), tuples_(tuples) {}

  // `blocks` is the number of blocks around the token.
  void Add(const jit::Token& token, size_t blocks, size_t nesting) {
    if (token.kind == jit::TK_IDENT) {
      AddName(std::string(token.text_view()), token, blocks);
    } else if (token.kind != '.') {
      EndPath();
      if (token.kind == jit::TK_DEDENT && blocks == 0) class_.clear();
      if (token.kind == jit::TK_DEDENT && blocks <= 1) {
        is_in_definition_ = !class_.empty();
        if (is_in_definition_) current_ = class_id_;
      }
    }
    if (is_in_definition_) graph_.SetNesting(current_, nesting);
    previous_ = token.kind;
  }

 private:
  void AddName(const std::string& name, const jit::Token& token, size_t blocks) {
    if (previous_ == '.') {
      if (!path_.empty()) path_ += "." + name;
      // Perhaps a method of the same class.
      if (is_in_definition_ && !class_.empty()) graph_.Refer(current_, class_ + "/" + name);
      return;
    }
    EndPath();
    if (previous_ == jit::TK_CLASS_DEF && blocks == 0) {
      class_ = file_.qualifier + "." + name;
      class_id_ = Define(class_, token);
    } else if (previous_ == jit::TK_DEF && blocks == 0) {
      Define(file_.qualifier + "." + name, token);
    } else if (previous_ == jit::TK_DEF && blocks == 1 && !class_.empty()) {
      const auto method = class_ + "/" + name;
      graph_.Refer(class_id_, method);
      Define(method, token);
    } else if (previous_ == '(' && blocks == 0 && name == "NamedTuple" && !class_.empty()) {
      tuples_.Define(class_);
    } else if (name == "__torch__") {
      path_ = name;
    }
  }

  void EndPath() {
    if (!path_.empty() && path_ != class_ && is_in_definition_) {
      graph_.Refer(current_, path_);
      if (!class_.empty()) tuples_.Refer(class_, path_);
    }
    path_.clear();
  }

  DefinitionGraph::Id Define(const std::string& name, const jit::Token& token) {
    const auto line = file_.source->lineno_for_offset(token.range.start()) + 1;
    current_ = graph_.Define(name, file_.record, line);
    is_in_definition_ = true;
    return current_;
  }

  const SourceFile& file_;
  DefinitionGraph& graph_;
  NamedTuples& tuples_;
  // The current class; empty outside of classes.
  std::string class_;
  DefinitionGraph::Id class_id_ = 0;
  DefinitionGraph::Id current_ = 0;
  bool is_in_definition_ = false;
  // The dotted name that the last tokens form, if it begins with `__torch__`.
  std::string path_;
  int previous_ = 0;
};

// Default values are computed while the module is loaded. Those of PyTorch are literals, and
// `annotate(List[int], [])`.
class DefaultValues {
 public:
  // Whether the token begins a call in the parameters of a function.
  bool IsCall(const jit::Token& token) {
    if (token.kind == jit::TK_DEF) is_definition_ = true;
    if (token.kind == jit::TK_NEWLINE || token.kind == jit::TK_INDENT) is_definition_ = false;
    const bool is_call = is_definition_ && token.kind == '(' && previous_ == jit::TK_IDENT &&
                         names_ > 1 && !is_annotate_;
    if (token.kind == jit::TK_DEF) names_ = 0;
    if (token.kind == jit::TK_IDENT) {
      names_++;
      is_annotate_ = token.text_view() == "annotate";
    }
    previous_ = token.kind;
    return is_call;
  }

 private:
  bool is_definition_ = false;
  // The names since `def`; the first is the function's.
  size_t names_ = 0;
  bool is_annotate_ = false;
  int previous_ = 0;
};

void CheckTokens(const SourceFile& file, DefinitionGraph& graph, NamedTuples& tuples) {
  jit::Lexer lexer(file.source);
  SourceNesting nesting;
  Definitions definitions(file, graph, tuples);
  DefaultValues defaults;
  bool is_import = false;
  while (lexer.cur().kind != jit::TK_EOF) {
    const auto token = lexer.next();
    const auto line = [&] { return file.source->lineno_for_offset(token.range.start()) + 1; };
    nesting.Add(token);
    if (nesting.depth() > kMaxNesting) {
      Fail(file.record, line(),
           "brackets, blocks and operators are nested more than " + std::to_string(kMaxNesting) +
               " deep.");
    }
    definitions.Add(token, nesting.blocks(), nesting.depth());
    if (defaults.IsCall(token)) Fail(file.record, line(), "a default value is a call.");
    if (token.kind == jit::TK_IMPORT) is_import = true;
    if (token.kind == jit::TK_NEWLINE) is_import = false;
  }
  // LibTorch would look for its end beyond that of the file, for ever.
  if (is_import) Fail(file.record, 1, "an import statement does not end.");
}

}  // namespace

void CheckNesting(const std::vector<SourceFile>& files) {
  DefinitionGraph graph;
  NamedTuples tuples;
  for (const auto& file : files) {
    CheckLinesWithoutCode(file.record, file.source->text_str().piece(0));
    CheckTokens(file, graph, tuples);
  }
  const auto chain = graph.Longest();
  if (chain.nesting > kMaxChainNesting) {
    Fail(chain.record, chain.line,
         "a chain of definitions begins that refer to each other, with code that is nested " +
             std::to_string(chain.nesting) + " deep in total; at most " +
             std::to_string(kMaxChainNesting) + " is accepted.");
  }
  if (const auto name = tuples.FindTooLarge()) {
    throw std::runtime_error("The named tuple " + Quote(*name) + " contains more than " +
                             std::to_string(NamedTuples::kMaxParts) +
                             " others, directly or inside others.");
  }
}

}  // namespace semisup
