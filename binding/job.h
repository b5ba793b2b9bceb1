#pragma once
#include <napi.h>

#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace semisup {

class Executor;

// One piece of work with a promise. It is made and destroyed on the JS thread, because it holds
// references that may only be released there; only Run() is called on the executor's thread.
class Job {
 public:
  Job(Napi::Env env, std::shared_ptr<Executor> executor);
  virtual ~Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  void Run() noexcept;
  void Settle(Napi::Env env);

  // Keeps a JS value, and so the memory behind it, alive until the job is settled.
  void Keep(Napi::Object value) { kept_.push_back(Napi::Persistent(value)); }
  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  virtual void Work() = 0;
  virtual Napi::Value Result(Napi::Env env) = 0;

 private:
  Napi::Promise::Deferred deferred_;
  std::vector<Napi::ObjectReference> kept_;
  // The executor outlives its jobs: it may not be destroyed, and joined, on its own thread.
  std::shared_ptr<Executor> executor_;
  std::exception_ptr failure_;
};

// A job from two functions: `work()` on the executor's thread, `result(env, T&&)` on the JS thread.
template <class WorkFunction, class ResultFunction>
class FunctionJob final : public Job {
 public:
  FunctionJob(Napi::Env env, std::shared_ptr<Executor> executor, WorkFunction work,
              ResultFunction result)
      : Job(env, std::move(executor)), work_(std::move(work)), result_(std::move(result)) {}

 private:
  void Work() override { value_.emplace(work_()); }
  Napi::Value Result(Napi::Env env) override { return result_(env, std::move(*value_)); }

  WorkFunction work_;
  ResultFunction result_;
  std::optional<decltype(std::declval<WorkFunction>()())> value_;
};

// Queues a job on an executor; `keep` are the JS values whose memory `work` reads.
Napi::Promise Enqueue(Napi::Env env, std::shared_ptr<Executor> executor, std::unique_ptr<Job> job);

template <class WorkFunction, class ResultFunction>
Napi::Promise Submit(Napi::Env env, const std::shared_ptr<Executor>& executor, WorkFunction work,
                     ResultFunction result, const std::vector<Napi::Object>& keep = {}) {
  auto job = std::make_unique<FunctionJob<WorkFunction, ResultFunction>>(
      env, executor, std::move(work), std::move(result));
  for (const auto& value : keep) job->Keep(value);
  return Enqueue(env, executor, std::move(job));
}

// For jobs that give nothing back.
struct Nothing {};
inline Napi::Value Undefined(Napi::Env env, Nothing) { return env.Undefined(); }

}  // namespace semisup
