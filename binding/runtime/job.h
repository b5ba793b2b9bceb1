#pragma once
#include <napi.h>

#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/completions.h"
#include "runtime/executor.h"
#include "runtime/executor_handle.h"

namespace semisup {

// A task with a JS promise. Created and destroyed on the JS thread, because it holds references
// that may be released only there; only Run() is called on an executor thread.
class Job : public Task, public Completion {
 public:
  Job(Napi::Env env, std::shared_ptr<Executor> executor);
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  void Run(std::unique_ptr<Task> self) noexcept override;
  void Settle(Napi::Env env) override;
  // Marks the job as failed, without running it; Settle() then rejects the promise.
  void Fail(std::exception_ptr failure) { failure_ = std::move(failure); }

  // Keeps a JS value, and with it the memory that Work() reads, alive until the job is destroyed.
  void KeepAlive(Napi::Object value) { kept_alive_.push_back(Napi::Persistent(value)); }
  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  // Runs on an executor thread; must not touch V8.
  virtual void Work() = 0;
  // Runs on the JS thread if Work() succeeded; returns the value that the promise resolves to.
  virtual Napi::Value Result(Napi::Env env) = 0;

 private:
  Napi::Promise::Deferred deferred_;
  std::vector<Napi::ObjectReference> kept_alive_;
  // The destructor of Executor joins its threads, so it must not run on one of them: the job holds
  // the executor until it is destroyed on the JS thread.
  std::shared_ptr<Executor> executor_;
  std::shared_ptr<Completions> completions_;
  std::exception_ptr failure_;
};

// A job made of two functions: `work()` runs on the executor's thread, `result(env, T&&)` on the JS
// thread.
template <class WorkFunction, class ResultFunction>
class FunctionJob final : public Job {
 public:
  FunctionJob(Napi::Env env, std::shared_ptr<Executor> executor, WorkFunction work,
              ResultFunction result)
      : Job(env, std::move(executor)), work_(std::move(work)), result_(std::move(result)) {}

 private:
  // Destroys the function, and so its references to the model and the inputs, on the executor's
  // thread: freeing hundreds of megabytes takes time.
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

// Queues a job and returns its promise, which is rejected if the executor is closed. A nonzero
// ticket identifies the job to CancelJob.
Napi::Promise Enqueue(Napi::Env env, Executor& executor, std::unique_ptr<Job> job,
                      int64_t ticket = 0);
// Like Enqueue(), but also closes the executor, whose last job this is.
Napi::Promise EnqueueFinal(Napi::Env env, Executor& executor, std::unique_ptr<Job> job);

// Where the work of a call runs. `keep_alive` are the JS values whose memory it reads.
struct JobContext {
  std::shared_ptr<Executor> executor;
  std::vector<Napi::Object> keep_alive = {};
  int64_t ticket = 0;
};

// Runs `work()` on the context's executor; the promise resolves to `result(env, T&&)`.
template <class WorkFunction, class ResultFunction>
Napi::Promise Submit(Napi::Env env, JobContext context, WorkFunction work, ResultFunction result) {
  auto job = std::make_unique<FunctionJob<WorkFunction, ResultFunction>>(
      env, context.executor, std::move(work), std::move(result));
  for (const auto& value : context.keep_alive) job->KeepAlive(value);
  return Enqueue(env, *context.executor, std::move(job), context.ticket);
}

[[noreturn]] void ThrowClosed();

// A task whose outcome another thread waits for.
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
  std::future<Value> GetFuture() { return promise_.get_future(); }

 private:
  WorkFunction work_;
  std::promise<Value> promise_;
};

// As Submit, but blocks the JS thread until the work is done.
template <class WorkFunction, class ResultFunction>
Napi::Value SubmitAndWait(Napi::Env env, const JobContext& context, WorkFunction work,
                          ResultFunction result) {
  auto task = std::make_unique<AwaitedTask<WorkFunction>>(std::move(work));
  auto outcome = task->GetFuture();
  std::unique_ptr<Task> pushed = std::move(task);
  if (!context.executor->Push(pushed)) ThrowClosed();
  return result(env, outcome.get());
}

// The value of a job that produces none.
struct Nothing {};
inline Napi::Value ToUndefined(Napi::Env env, Nothing) { return env.Undefined(); }

// Removes a queued job and rejects its promise; false if it is not queued, as when it already runs.
Napi::Value CancelJob(const Napi::CallbackInfo& info);

}  // namespace semisup
