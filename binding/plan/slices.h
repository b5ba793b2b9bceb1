#pragma once
#include <cstdint>

namespace semisup::plan {

struct Slice {
  int64_t first;
  int64_t count;
};

inline int64_t CeilOf(int64_t dividend, int64_t divisor) {
  return (dividend + divisor - 1) / divisor;
}

// One of `shares` like shares of `count` things, each of which is `unit` long.
inline Slice ShareOf(int64_t count, int64_t index, int64_t shares, int64_t unit = 1) {
  const int64_t first = index * count / shares;
  return {first * unit, ((index + 1) * count / shares - first) * unit};
}

}  // namespace semisup::plan
