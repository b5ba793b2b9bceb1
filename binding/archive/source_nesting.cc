#include "archive/source_nesting.h"

#include <algorithm>

namespace semisup {
namespace {

namespace jit = torch::jit;

bool IsOperand(int kind) {
  return kind == jit::TK_IDENT || kind == jit::TK_NUMBER || kind == jit::TK_STRINGLITERAL ||
         kind == jit::TK_NONE || kind == jit::TK_TRUE || kind == jit::TK_FALSE;
}

}  // namespace

size_t SourceNesting::Level::depth() const { return std::max(deepest, operators + brackets); }

void SourceNesting::Level::EndPart() {
  deepest = depth();
  operators = 0;
  brackets = 0;
}

void SourceNesting::Add(const jit::Token& token) {
  switch (token.kind) {
    case '(':
    case '[':
    case '{':
      levels_.back().operators++;
      levels_.emplace_back();
      break;
    case ')':
    case ']':
    case '}':
      if (levels_.size() > 1) {
        const auto depth = levels_.back().depth();
        levels_.pop_back();
        levels_.back().brackets = std::max(levels_.back().brackets, depth);
      }
      break;
    case ',':
      levels_.back().EndPart();
      break;
    case jit::TK_NEWLINE:
      BeginStatement();
      break;
    case jit::TK_INDENT:
      blocks_++;
      BeginStatement();
      break;
    case jit::TK_DEDENT:
      if (blocks_ > 0) blocks_--;
      break;
    case jit::TK_DEF:
      branches_ = 0;
      break;
    case jit::TK_ELIF:
      branches_++;
      break;
    default:
      if (!IsOperand(token.kind)) levels_.back().operators++;
  }
  Measure();
}

void SourceNesting::BeginStatement() { levels_.assign(1, {}); }

void SourceNesting::Measure() {
  depth_ = blocks_ + branches_;
  for (const auto& level : levels_) depth_ += level.operators;
  depth_ = std::max(depth_, blocks_ + branches_ + levels_.front().depth());
}

}  // namespace semisup
