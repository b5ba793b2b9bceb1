#pragma once
#include <memory>
#include <vector>

#include "engine/linear_step.h"
#include "engine/network.h"
#include "plan/convolution.h"
#include "program/numerics.h"
#include "program/program.h"

namespace semisup::plan {

// The steps of a network, and those that the plan changes later.
struct BuiltSteps {
  engine::Steps steps;
  std::vector<std::unique_ptr<Convolution>> convolutions;
  std::vector<engine::LinearStep*> linears;
};

// `precision`: float32, bfloat16, or int8, whose steps are those of float32 until they are
// quantized.
BuiltSteps BuildSteps(program::Program program, program::ComputePrecision precision);

}  // namespace semisup::plan
