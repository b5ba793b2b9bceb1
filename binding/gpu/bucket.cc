#include "bucket.h"

#include <ATen/ops/abs.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/max.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "../error.h"

namespace semisup::gpu {
namespace {

constexpr int kRounds = 3;
constexpr int kRunsInARound = 5;

// LibTorch goes on for pages.
std::string FirstSentence(const std::exception& exception) {
  const auto words = Describe(exception);
  return words.substr(0, std::min(words.find(". "), words.find('\n')));
}

// By how much of the largest number they differ.
double DifferenceOf(const at::Tensor& given, const at::Tensor& expected) {
  const auto apart = at::sub(given, expected).abs().max().item().toDouble();
  return apart == 0 ? 0 : apart / expected.abs().max().item().toDouble();
}

// How long work takes on a stream, in milliseconds.
double Time(Stream& stream, const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  double least = std::numeric_limits<double>::infinity();
  for (int round = 0; round < kRounds; round++) {
    const auto began = Clock::now();
    for (int run = 0; run < kRunsInARound; run++) stream.Run(work);
    stream.Record(Wait::kSpinning)->Await();
    const std::chrono::duration<double, std::milli> took = Clock::now() - began;
    least = std::min(least, took.count() / kRunsInARound);
  }
  return least;
}

}  // namespace

Bucket::Bucket(Gpu& gpu, Stream& stream, std::shared_ptr<const Network> network,
               const Pending& images, int64_t size, const Bucket* family) {
  launch_.images = size;
  stream.Run([buffers = buffers_, images, size] {
    auto sizes = images->sizes().vec();
    sizes[0] = size;
    buffers->input = at::zeros(sizes, images->options());
    buffers->input.narrow(0, 0, images->size(0)).copy_(*images);
  });
  const auto* related = family ? family->graph_.get() : nullptr;
  Try(gpu, stream, network, /*fused=*/false, related);
  try {
    Try(gpu, stream, network, /*fused=*/true, graph_ ? graph_.get() : related);
  } catch (const std::exception& exception) {
    // Without them it works: too little memory for both is no reason to fail.
    gpu.ReleaseMemory();
    Note("cuDNN's fused convolutions cannot be used: " + FirstSentence(exception));
  }
  reference_->reset();
}

// The first run lets cuDNN measure its algorithms, and allocates.
void Bucket::Try(Gpu& gpu, Stream& stream, const std::shared_ptr<const Network>& network,
                 bool fused, const Graph* family) {
  const auto run = [network, buffers = buffers_](Fusion fusion, bool by_measurement) {
    const auto output = network->Run(buffers->input, fusion, by_measurement);
    if (!buffers->output.defined()) buffers->output = at::empty_like(output);
    buffers->output.copy_(output);
  };
  const auto forward = [run, fusion = fused ? Fusion::kFused : Fusion::kNone](bool by_measurement) {
    run(fusion, by_measurement);
  };
  const auto difference = std::make_shared<double>(0);
  stream.Run([forward] { forward(true); });
  stream.Run([run, forward, fused, buffers = buffers_, difference, reference = reference_] {
    if (!fused) {
      forward(true);
      *reference = buffers->output.clone();
      return;
    }
    run(Fusion::kFusedWithTraps, true);
    *difference = DifferenceOf(buffers->output, *reference);
  });
  stream.Record(Wait::kSleeping)->Await();
  // So that what is no number is wrong too.
  TORCH_CHECK(*difference <= network->arithmetic().tolerance(), "they give other numbers");

  std::function<void()> work = [forward] { forward(true); };
  std::shared_ptr<Graph> graph;
  try {
    gpu.ReleaseMemory();
    graph = gpu.Capture(stream, family, [forward] { forward(false); });
    work = [graph] { graph->Replay(); };
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const std::exception& exception) {
    Note("No graph could be recorded: " + FirstSentence(exception));
  }
  const double milliseconds = Time(stream, work);
  if (work_ && milliseconds >= launch_.milliseconds) return;
  work_ = std::move(work);
  graph_ = std::move(graph);
  launch_.is_graph = graph_ != nullptr;
  launch_.is_fused = fused;
  launch_.milliseconds = milliseconds;
}

void Bucket::Note(const std::string& problem) {
  auto& reason = launch_.reason;
  if (reason.find(problem) == reason.npos) reason += (reason.empty() ? "" : "; ") + problem;
}

void Bucket::Run(Stream& stream, const Pending& images, const Pending& rows) const {
  stream.Run([work = work_, buffers = buffers_, images, rows] {
    const int64_t count = images->size(0);
    buffers->input.narrow(0, 0, count).copy_(*images);
    work();
    *rows = buffers->output.narrow(0, 0, count).clone();
  });
}

}  // namespace semisup::gpu
