#pragma once
#include <cstddef>
#include <optional>

#include "engine/network.h"
#include "engine/network_description.h"

namespace semisup::engine {

// The steps of a description. Throws std::invalid_argument if it is not valid, or if this processor
// has no kernel for a step.
Steps MakeSteps(const NetworkDescription& network);

// Sets the steps and the values of a description. Returns the index of the first step that cannot
// be made from data alone, if there is one.
std::optional<size_t> DescribeSteps(const Steps& steps, NetworkDescription& network);

}  // namespace semisup::engine
