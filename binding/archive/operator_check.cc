#include "archive/operator_check.h"

#include <torch/csrc/jit/frontend/parser.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <algorithm>
#include <optional>

#include "archive/allowed_operators.h"
#include "archive/zip_directory.h"
#include "runtime/error.h"

namespace semisup {

namespace jit = torch::jit;

namespace {

constexpr size_t kMaxListed = 10;
constexpr std::string_view kCustomClasses = "__torch__.torch.classes";

bool IsCustomClass(std::string_view name) {
  return name == kCustomClasses || name.starts_with(std::string(kCustomClasses) + ".");
}

// The text of an identifier.
const std::string& NameOf(const jit::TreeRef& ident) { return ident->tree(0)->stringValue(); }

// `a.b.c` as a dotted name; nullopt if it does not begin with a variable.
std::optional<std::string> PathOf(const jit::TreeRef& tree) {
  if (tree->kind() == jit::TK_VAR) return NameOf(tree->tree(0));
  if (tree->kind() != '.') return std::nullopt;
  auto path = PathOf(tree->tree(0));
  if (path) *path += "." + NameOf(tree->tree(1));
  return path;
}

bool IsOperator(const std::string& name) {
  return !jit::getAllOperatorsFor(c10::Symbol::aten(name)).empty();
}

}  // namespace

// Walks the trees of a file.
class SourceWalker {
 public:
  SourceWalker(OperatorCheck& check, const SourceFile& file) : check_(check), file_(file) {}

  void Walk(const jit::TreeRef& definition) {
    bound_.clear();
    CollectNames(definition);
    Visit(definition);
  }

 private:
  void Refuse(const jit::TreeRef& tree, const std::string& name) {
    check_.Refuse(name, file_.record, file_.source->lineno_for_offset(tree->range().start()) + 1);
  }

  // Adds every variable that a definition assigns, and its parameters, to `bound_`. A name that is
  // assigned anywhere cannot be one of LibTorch's globals that is left out below.
  void CollectNames(const jit::TreeRef& tree) {
    if (tree->isAtom()) return;
    const auto& parts = tree->trees();
    switch (tree->kind()) {
      case jit::TK_PARAM:
        for (const auto& part : parts) {
          if (part->kind() == jit::TK_IDENT) bound_.insert(NameOf(part));
        }
        break;
      case jit::TK_ASSIGN:
      case jit::TK_AUG_ASSIGN:
        CollectTargets(parts[0]);
        break;
      case jit::TK_FOR:
        CollectTargets(parts[0]);
        break;
      case jit::TK_LIST_COMP:
        CollectTargets(parts[1]);
        break;
      case jit::TK_DICT_COMP:
        CollectTargets(parts[2]);
        break;
      case jit::TK_WITH_ITEM:
        if (parts.size() > 1) CollectTargets(parts[1]);
        break;
      default:
        break;
    }
    for (const auto& part : parts) CollectNames(part);
  }

  void CollectTargets(const jit::TreeRef& tree) {
    if (tree->isAtom()) return;
    if (tree->kind() == jit::TK_VAR) bound_.insert(NameOf(tree->tree(0)));
    if (tree->kind() == '.' || tree->kind() == jit::TK_SUBSCRIPT) return;
    for (const auto& part : tree->trees()) CollectTargets(part);
  }

  void Visit(const jit::TreeRef& tree) {
    if (tree->isAtom()) return;
    switch (tree->kind()) {
      case jit::TK_CLASS_DEF:
        // The class that it extends decides how LibTorch imports it.
        return Visit(tree->tree(2));
      case jit::TK_DEF:
        VisitDefinition(tree);
        break;
      case jit::TK_VAR:
        return VisitVariable(tree);
      case '.':
        return VisitSelection(tree);
      case jit::TK_APPLY:
        VisitCall(tree);
        break;
      default:
        break;
    }
    for (const auto& part : tree->trees()) Visit(part);
  }

  void VisitDefinition(const jit::TreeRef& tree) {
    const auto& name = NameOf(tree->tree(0));
    // LibTorch calls it while it reads the module.
    if (name == "__setstate__" || name == "__getstate__") Refuse(tree, name);
  }

  void VisitVariable(const jit::TreeRef& tree) {
    const auto& name = NameOf(tree->tree(0));
    // The modules `torch` and `ops` by themselves, in `x = torch`, would hide what is called.
    const bool is_hidden = name == "torch" || name == "ops" || name == "CONSTANTS" ||
                           name == "__torch__" || name == "fork" || name == "awaitable" ||
                           name == "print" || name == "id";
    if (is_hidden || !(bound_.contains(name) || IsAllowedGlobal(name))) Refuse(tree, name);
  }

  void VisitSelection(const jit::TreeRef& tree) {
    const auto& base = tree->tree(0);
    const auto& name = NameOf(tree->tree(1));
    const auto path = PathOf(tree);
    if (path && path->starts_with("__torch__.")) {
      if (IsCustomClass(*path)) Refuse(tree, *path);
      return;
    }
    if (path && path->starts_with("CONSTANTS.")) return;
    if (path && path->starts_with("ops.")) {
      // ops.library.name, of which further parts are attributes.
      const auto dot = path->find('.', 4);
      if (dot != path->npos && path->find('.', dot + 1) == path->npos) {
        if (!IsAllowedOperator(path->substr(4, dot - 4), path->substr(dot + 1))) {
          Refuse(tree, *path);
        }
        return;
      }
      if (dot == path->npos) return Refuse(tree, *path);
    }
    if (base->kind() == jit::TK_VAR && NameOf(base->tree(0)) == "torch") {
      if (!IsAllowedOperator("aten", name)) Refuse(tree, *path);
      return;
    }
    CheckAttribute(tree, name);
    Visit(base);
  }

  // x.name may be a call of the operator on x, whose type is not known here.
  void CheckAttribute(const jit::TreeRef& tree, const std::string& name) {
    if (!IsAllowedOperator("aten", name) && IsOperator(name)) Refuse(tree, "." + name);
  }

  void VisitCall(const jit::TreeRef& tree) {
    const auto& callee = tree->tree(0);
    if (callee->kind() != jit::TK_VAR || NameOf(callee->tree(0)) != "getattr") return;
    const auto& arguments = tree->tree(1)->trees();
    if (arguments.size() >= 2 && arguments[1]->kind() == jit::TK_STRINGLITERAL) {
      CheckAttribute(tree, arguments[1]->tree(0)->stringValue());
    } else {
      Refuse(tree, "getattr");
    }
  }

  OperatorCheck& check_;
  const SourceFile& file_;
  std::unordered_set<std::string> bound_;
};

void OperatorCheck::Check(const SourceFile& file) {
  jit::Parser parser(file.source);
  auto& lexer = parser.lexer();
  // Versions before 1.6 of PyTorch wrote the version of the operators here.
  if (lexer.cur().kind == jit::TK_IDENT && lexer.cur().text() == "op_version_set") {
    lexer.next();
    lexer.expect('=');
    lexer.expect(jit::TK_NUMBER);
    lexer.expect(jit::TK_NEWLINE);
  }
  SourceWalker walker(*this, file);
  while (lexer.cur().kind != jit::TK_EOF) {
    if (lexer.nextIf(jit::TK_IMPORT)) {
      while (lexer.cur().kind != jit::TK_NEWLINE) lexer.next();
      lexer.next();
    } else if (lexer.cur().kind == jit::TK_CLASS_DEF) {
      walker.Walk(parser.parseClass());
    } else {
      walker.Walk(parser.parseFunction(/*is_method=*/false));
    }
  }
}

void OperatorCheck::Observe(const std::string& record, PickleContext& context) {
  context.on_class = [this, record](std::string_view name) {
    if (IsCustomClass(name)) Refuse(std::string(name), record);
  };
  context.on_type = [this, record](std::string_view type) {
    if (type.find(kCustomClasses) != type.npos) Refuse(std::string(type), record);
  };
  context.on_sparse = [this, record] { Refuse("a sparse tensor", record); };
}

void OperatorCheck::Refuse(const std::string& name, const std::string& record, size_t line) {
  if (!names_.insert(name).second) return;
  count_++;
  if (refused_.size() >= kMaxListed) return;
  const auto place = line == 0 ? Quote(record) : Quote(record) + " line " + std::to_string(line);
  refused_.push_back(Quote(name) + " (" + place + ")");
}

void OperatorCheck::ThrowIfAnyIsRefused() const {
  if (refused_.empty()) return;
  std::string list;
  for (const auto& name : refused_) list += (list.empty() ? "" : ", ") + name;
  if (count_ > refused_.size()) {
    list += " and " + std::to_string(count_ - refused_.size()) + " more";
  }
  throw Error("ERR_SEMISUP_MODEL_UNSAFE",
              "it names what verified models may not use: " + list + ".");
}

}  // namespace semisup
