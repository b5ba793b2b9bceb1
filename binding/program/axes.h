#pragma once
#include <torch/csrc/jit/ir/ir.h>

#include <optional>
#include <unordered_map>

namespace semisup::program {

// What the dimensions of a value are, of which the first is always the batch: images [n, c, h, w],
// their pixels [n, h, w, c], or rows of features [n, c].
enum class Axes { kImages, kPixels, kRows };

inline int RankOf(Axes axes) { return axes == Axes::kRows ? 2 : 4; }

// Of each value that depends on the images.
using AxesOfValues = std::unordered_map<const torch::jit::Value*, Axes>;

// The axes of the only output of a node. nullopt for operators that are not supported, such as
// those that combine different images of a batch.
std::optional<Axes> OutputAxes(const torch::jit::Node* node, const AxesOfValues& known);

}  // namespace semisup::program
