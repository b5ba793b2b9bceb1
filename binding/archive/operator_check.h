#pragma once
#include <torch/csrc/jit/frontend/tree.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "archive/pickle_check.h"
#include "archive/source_check.h"

namespace semisup {

// Collects what an archive's code and pickles name that is not known to be harmless: operators
// outside of the list in allowed_operators.cc, custom classes, and methods that run while the
// module is loaded. Nothing is run or compiled. The code must have passed CheckNesting().
class OperatorCheck {
 public:
  // Parses the file as LibTorch's importer does. Throws std::exception if it does not parse.
  void Check(const SourceFile& file);
  // Makes the checker of a pickle report the classes and types that it names.
  void Observe(const std::string& record, PickleContext& context);
  // Throws ERR_SEMISUP_MODEL_UNSAFE, with the names, their records and lines.
  void ThrowIfAnyIsRefused() const;

 private:
  void Refuse(const std::string& name, const std::string& record, size_t line = 0);

  std::vector<std::string> refused_;
  std::unordered_set<std::string> names_;
  size_t count_ = 0;

  friend class SourceWalker;
};

}  // namespace semisup
