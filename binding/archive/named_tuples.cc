#include "archive/named_tuples.h"

#include <algorithm>

namespace semisup {

void NamedTuples::Define(const std::string& name) { tuples_.try_emplace(name); }

void NamedTuples::Refer(const std::string& from, const std::string& to) {
  const auto tuple = tuples_.find(from);
  if (tuple != tuples_.end()) tuple->second.parts.push_back(to);
}

uint64_t NamedTuples::Count(Tuple& tuple) {
  if (tuple.is_counting) return kMaxParts + 1;
  if (tuple.count > 0) return tuple.count;
  tuple.is_counting = true;
  tuple.count = 1;
  for (const auto& name : tuple.parts) {
    const auto part = tuples_.find(name);
    if (part == tuples_.end()) continue;
    tuple.count = std::min(kMaxParts + 1, tuple.count + 2 * Count(part->second));
  }
  tuple.is_counting = false;
  return tuple.count;
}

std::optional<std::string> NamedTuples::FindTooLarge() {
  for (auto& [name, tuple] : tuples_) {
    if (Count(tuple) > kMaxParts) return name;
  }
  return std::nullopt;
}

}  // namespace semisup
