#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "engine/descriptions.h"
#include "engine/tensor.h"

namespace semisup::engine {

// What a network optimizes: latency runs one image on all threads, throughput runs one sub-batch on
// each thread. Algorithms are selected for each mode.
enum class ExecutionMode { kLatency, kThroughput };

// What a step keeps between runs with inputs of one shape in one mode; the first run sets it, and
// must end before threads share it.
using StepState = std::shared_ptr<void>;

// A step of a network, with its weights. Thread-safe.
class Step {
 public:
  virtual ~Step() = default;
  // Overwrites an input to which nothing else refers.
  virtual Tensor Run(Tensors inputs, ExecutionMode mode, StepState& state) const = 0;
  // Whether the state must be set before threads share it.
  virtual bool HasState() const { return false; }
  // nullopt for a step that cannot be made from data alone.
  virtual std::optional<StepDescription> Describe() const = 0;
  // Appends an activation, if the step can apply one.
  virtual bool FuseActivation(const kernels::Activation&) { return false; }
};

// A step that keeps nothing, and supports some inputs only. Others run after they are converted to
// float32, or throw std::invalid_argument.
class KernelStep : public Step {
 public:
  virtual bool Supports(const Tensors& inputs) const = 0;
  virtual Tensor Run(Tensors inputs) const = 0;
  Tensor Run(Tensors inputs, ExecutionMode mode, StepState& state) const final;
};

// The values that a step reads and writes, as indices.
struct StepValues {
  std::vector<int> inputs;
  int output = 0;
  // The inputs that no later step reads.
  std::vector<int> last_uses;

  // Sets the last uses. To be called for the last step first; `is_used` begins with the values that
  // outlive the steps.
  void FindLastUses(std::vector<bool>& is_used) {
    for (const int value : inputs) {
      if (!is_used[value]) last_uses.push_back(value);
      is_used[value] = true;
    }
  }
};

}  // namespace semisup::engine
