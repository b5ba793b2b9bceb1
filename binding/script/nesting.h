#pragma once
#include <cstddef>

namespace semisup {

// How deep brackets, blocks and operators, types and values may be nested.
constexpr size_t kMaxNesting = 200;

// How deep the code may be nested in total of definitions of which each refers to the next.
constexpr size_t kMaxChainNesting = 1000;

}  // namespace semisup
