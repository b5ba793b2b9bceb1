#pragma once
#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include <vector>

#include "program/planned_method.h"

namespace semisup {

// The tensors of a value that a method returned: one, or the elements of a list or a tuple. Throws
// ERR_SEMISUP_SCRIPT if it is anything else.
std::vector<at::Tensor> OutputsOf(const c10::IValue& value);

// The selected tensors of OutputsOf(value), as a list.
c10::IValue SelectOutputs(const c10::IValue& value, const OutputSelection& selected);

// The inverse of OutputsOf(), for a method that returns the type.
c10::IValue FromOutputs(std::vector<at::Tensor> outputs, const c10::TypePtr& type);

}  // namespace semisup
