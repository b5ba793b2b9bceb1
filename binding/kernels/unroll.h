#pragma once
#include <type_traits>
#include <utility>

namespace semisup::kernels {

// Calls body(0) to body(count - 1) with integral constants. GCC keeps an array in registers only if
// every index is a constant; an array that a loop variable indexes is kept in memory.
template <int count, class Body>
inline void Unroll(const Body& body) {
  [&]<int... i>(std::integer_sequence<int, i...>) {
    (body(std::integral_constant<int, i>()), ...);
  }(std::make_integer_sequence<int, count>());
}

}  // namespace semisup::kernels
