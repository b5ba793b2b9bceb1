#pragma once
#include <cstddef>

namespace semisup {

// LibTorch's parser, compiler and destructors recurse. On a stack of 8 MiB they overflow between
// 1,000 (default values) and 30,000 levels; nested lists take the most stack, 3 KiB a level. Code
// at both limits takes less than 4 MiB, which a test measures; an executor's thread has 16 MiB.

// How deep brackets, blocks and operators, types and values may be nested.
constexpr size_t kMaxNesting = 200;

// How deep the code may be nested in total of definitions of which each refers to the next.
constexpr size_t kMaxChainNesting = 1000;

}  // namespace semisup
