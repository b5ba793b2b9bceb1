#pragma once
#include <napi.h>

#include <optional>

#include "engine/network.h"

namespace semisup {

// The indices of the outputs of a method that a call returns, from an array of integers; nullopt
// for undefined: the call returns what the method does.
std::optional<engine::OutputSelection> ReadOutputSelection(Napi::Value value);

}  // namespace semisup
