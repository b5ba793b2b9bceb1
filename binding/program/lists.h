#pragma once
#include <torch/csrc/jit/ir/ir.h>

namespace semisup::program {

// Replaces each list that a graph appends tensors to by a new list for each of its uses, which
// holds the tensors appended by then. Only lists that are concatenated or returned and nothing
// else.
void ReplaceAppendedLists(torch::jit::Graph& graph);

}  // namespace semisup::program
