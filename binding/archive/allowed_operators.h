#pragma once
#include <string_view>

namespace semisup {

// Whether verified code may call the operator, e.g. `aten` and `add`. The list names what is
// allowed, rather than what is not, so that operators of later versions are refused until they are
// listed.
bool IsAllowedOperator(std::string_view library, std::string_view name);

// Whether verified code may use the name without defining it, e.g. `range`.
bool IsAllowedGlobal(std::string_view name);

}  // namespace semisup
