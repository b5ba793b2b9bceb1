#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace semisup {

// The number and total bytes of the live native objects of one kind. JS thread only.
struct Usage {
  int64_t count = 0;
  int64_t bytes = 0;
};

using UsageByKind = std::map<std::string, Usage>;

}  // namespace semisup
