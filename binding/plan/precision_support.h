#pragma once
#include <string>

#include "program/numerics.h"

namespace semisup::plan {

// Why plans in a precision cannot run, or would be slow or inexact, with this processor and this
// LibTorch; empty if they can run. The first call for a precision runs a small convolution.
const std::string& ReasonAgainst(program::ComputePrecision precision);

}  // namespace semisup::plan
