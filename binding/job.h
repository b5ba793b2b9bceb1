#pragma once
#include <napi.h>

#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "executor.h"

namespace semisup {

class Completions;

// One piece of work with a promise. It is made and destroyed on the JS thread, because it holds
// references that may only be released there; only Run() is called on the executor's thread.
class Job : public Task {
 public:
  Job(Napi::Env env, std::shared_ptr<Executor> executor);
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  void Run(std::unique_ptr<Task> self) noexcept override;
  void Settle(Napi::Env env);
  // For a job that will not run: its promise is rejected when it is settled.
  void Fail(std::exception_ptr failure) { failure_ = std::move(failure); }

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
  std::shared_ptr<Completions> completions_;
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
  // What the function holds, the model and the inputs, is released on this thread: to free hundreds
  // of megabytes takes time.
  void Work() override {
    auto work = std::move(*work_);
    work_.reset();
    value_.emplace(work());
  }
  Napi::Value Result(Napi::Env env) override { return result_(env, std::move(*value_)); }

  std::optional<WorkFunction> work_;
  ResultFunction result_;
  std::optional<decltype(std::declval<WorkFunction>()())> value_;
};

// Queues a job on an executor; on a closed one its promise is rejected. A ticket other than 0 is
// for CancelJob.
Napi::Promise Enqueue(Napi::Env env, Executor& executor, std::unique_ptr<Job> job,
                      int64_t ticket = 0);
// As Enqueue, for the job that is the executor's last.
Napi::Promise EnqueueLast(Napi::Env env, Executor& executor, std::unique_ptr<Job> job);

// Where a call's work is done: `keep` are the JS values whose memory it reads.
struct Place {
  std::shared_ptr<Executor> executor;
  std::vector<Napi::Object> keep = {};
  int64_t ticket = 0;
};

template <class WorkFunction, class ResultFunction>
Napi::Promise Submit(Napi::Env env, Place place, WorkFunction work, ResultFunction result) {
  auto job = std::make_unique<FunctionJob<WorkFunction, ResultFunction>>(
      env, place.executor, std::move(work), std::move(result));
  for (const auto& value : place.keep) job->Keep(value);
  return Enqueue(env, *place.executor, std::move(job), place.ticket);
}

[[noreturn]] void ThrowClosed();

// A task whose outcome the JS thread waits for.
template <class WorkFunction>
class AwaitedTask final : public Task {
 public:
  using Value = decltype(std::declval<WorkFunction>()());
  explicit AwaitedTask(WorkFunction work) : work_(std::move(work)) {}

  void Run(std::unique_ptr<Task>) noexcept override {
    try {
      promise_.set_value(work_());
    } catch (...) {
      promise_.set_exception(std::current_exception());
    }
  }
  std::future<Value> Outcome() { return promise_.get_future(); }

 private:
  WorkFunction work_;
  std::promise<Value> promise_;
};

// As Submit, but blocks until the work is done.
template <class WorkFunction, class ResultFunction>
Napi::Value SubmitAndWait(Napi::Env env, const Place& place, WorkFunction work,
                          ResultFunction result) {
  auto task = std::make_unique<AwaitedTask<WorkFunction>>(std::move(work));
  auto outcome = task->Outcome();
  std::unique_ptr<Task> pushed = std::move(task);
  if (!place.executor->Push(pushed)) ThrowClosed();
  return result(env, outcome.get());
}

// For jobs that give nothing back.
struct Nothing {};
inline Napi::Value Undefined(Napi::Env env, Nothing) { return env.Undefined(); }

Napi::Value CancelJob(const Napi::CallbackInfo& info);

}  // namespace semisup
