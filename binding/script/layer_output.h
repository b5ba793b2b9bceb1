#pragma once
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include <memory>
#include <string>

namespace semisup {

// The graph of a method that returns, besides its output, that of a layer, from where gradients are
// recorded. `layer` is a submodule by its dotted name. Throws ERR_SEMISUP_OPTION_VALUE unless the
// method calls it.
std::shared_ptr<torch::jit::Graph> GraphWithLayerOutput(const torch::jit::Method& method,
                                                        const std::string& layer);

}  // namespace semisup
