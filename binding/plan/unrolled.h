#pragma once
#include <type_traits>
#include <utility>

namespace semisup::plan {

// Calls work(0) to work(count - 1) with constants. An array that is indexed by constants alone lies
// in registers; by the variable of a loop, GCC keeps it in memory around the loops that use it.
template <int count, class Work>
inline void Unrolled(const Work& work) {
  [&]<int... i>(std::integer_sequence<int, i...>) {
    (work(std::integral_constant<int, i>()), ...);
  }(std::make_integer_sequence<int, count>());
}

}  // namespace semisup::plan
