#include "gpu/bucket.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "program/numerics.h"
#include "runtime/error.h"

namespace semisup::gpu {
namespace {

constexpr int kRounds = 3;
constexpr int kRunsPerRound = 5;

// The start of a message, because those of LibTorch can be pages long.
std::string FirstSentence(const std::exception& exception) {
  const auto message = MessageWithoutBacktrace(exception);
  return message.substr(0, std::min(message.find(". "), message.find('\n')));
}

// Returns the shortest duration of `work` on a stream, in milliseconds.
double MeasureMilliseconds(Stream& stream, const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  double best_ms = std::numeric_limits<double>::infinity();
  for (int round = 0; round < kRounds; round++) {
    const auto start = Clock::now();
    for (int run = 0; run < kRunsPerRound; run++) stream.Run(work);
    stream.Record(WaitMode::kSpin)->Synchronize();
    const std::chrono::duration<double, std::milli> elapsed = Clock::now() - start;
    best_ms = std::min(best_ms, elapsed.count() / kRunsPerRound);
  }
  return best_ms;
}

}  // namespace

Bucket::Bucket(Gpu& gpu, Stream& stream, std::shared_ptr<const Network> network,
               const PendingTensor& images, int64_t size, const Bucket* pool_bucket) {
  config_.batch_size = size;
  stream.Run([buffers = buffers_, images, size] {
    auto sizes = images->sizes().vec();
    sizes[0] = size;
    buffers->input = at::zeros(sizes, images->options());
    buffers->input.narrow(0, 0, images->size(0)).copy_(*images);
  });
  const auto* pool_graph = pool_bucket ? pool_bucket->graph_.get() : nullptr;
  Try(gpu, stream, network, /*fused=*/false, pool_graph);
  try {
    Try(gpu, stream, network, /*fused=*/true, graph_ ? graph_.get() : pool_graph);
  } catch (const std::exception& exception) {
    // The unfused alternative works, so a failure here, even for lack of memory, is not fatal.
    gpu.ReleaseCachedMemory();
    AddFailure("cuDNN's fused convolutions cannot be used: " + FirstSentence(exception));
  }
  reference_->clear();
}

void Bucket::Try(Gpu& gpu, Stream& stream, const std::shared_ptr<const Network>& network,
                 bool fused, const Graph* pool_graph) {
  const auto run = [network, buffers = buffers_](Fusion fusion, bool benchmark) {
    const auto outputs = network->Run(buffers->input, fusion, benchmark);
    if (buffers->outputs.empty()) {
      for (const auto& output : outputs) buffers->outputs.push_back(at::empty_like(output));
    }
    for (size_t i = 0; i < outputs.size(); i++) buffers->outputs[i].copy_(outputs[i]);
  };
  const auto forward = [run, fusion = fused ? Fusion::kFused : Fusion::kNone](bool benchmark) {
    run(fusion, benchmark);
  };
  const auto difference = std::make_shared<double>(0);
  // The first run lets cuDNN benchmark its algorithms, and allocates.
  stream.Run([forward] { forward(true); });
  stream.Run([run, forward, fused, buffers = buffers_, difference, reference = reference_] {
    if (!fused) {
      forward(true);
      for (const auto& output : buffers->outputs) reference->push_back(output.clone());
      return;
    }
    run(Fusion::kFusedWithTraps, true);
    *difference = program::LargestRelativeDifference(buffers->outputs, *reference);
  });
  stream.Record(WaitMode::kBlock)->Synchronize();
  // The comparison is false for NaN, so NaN fails too.
  TORCH_CHECK(*difference <= network->tolerance(),
              "their results differ from those of unfused convolutions");

  std::function<void()> launch = [forward] { forward(true); };
  std::shared_ptr<Graph> graph;
  try {
    gpu.ReleaseCachedMemory();
    graph = gpu.Capture(stream, pool_graph, [forward] { forward(false); });
    launch = [graph] { graph->Replay(); };
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const std::exception& exception) {
    AddFailure("No graph could be captured: " + FirstSentence(exception));
  }
  const double batch_ms = MeasureMilliseconds(stream, launch);
  if (forward_ && batch_ms >= config_.batch_ms) return;
  forward_ = std::move(launch);
  graph_ = std::move(graph);
  config_.is_graph = graph_ != nullptr;
  config_.is_fused = fused;
  config_.batch_ms = batch_ms;
}

void Bucket::AddFailure(const std::string& failure) {
  auto& failures = config_.failures;
  if (failures.find(failure) == failures.npos) {
    failures += (failures.empty() ? "" : "; ") + failure;
  }
}

void Bucket::Run(Stream& stream, const PendingTensor& images, const OutputSelection& selected,
                 const PendingTensors& outputs) const {
  stream.Run([forward = forward_, buffers = buffers_, images, selected, outputs] {
    const int64_t count = images->size(0);
    buffers->input.narrow(0, 0, count).copy_(*images);
    forward();
    for (const size_t index : selected) {
      outputs->push_back(buffers->outputs.at(index).narrow(0, 0, count).clone());
    }
  });
}

}  // namespace semisup::gpu
