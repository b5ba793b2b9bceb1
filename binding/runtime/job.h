#pragma once
#include <napi.h>

#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/completions.h"
#include "runtime/executor.h"
#include "runtime/executor_handle.h"

namespace semisup {

// A task with a JS promise. Created and destroyed on the JS thread, because it holds references
// that may be released only there; the functions of Task are called on other threads.
class Job : public Task, public Completion {
 public:
  Job(Napi::Env env, std::shared_ptr<Executor> executor);
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  void Run() noexcept override;
  void Finish(std::unique_ptr<Task> self) noexcept override;
  void Abandon(std::exception_ptr reason) noexcept override;

  // JS thread only, from here on.
  void OnQueued(Napi::Env env);
  // Settles the promise, unless it was rejected before.
  void Settle(Napi::Env env) override;
  // Rejects the promise while the job is queued or running.
  void Reject(Napi::Env env, std::exception_ptr reason);
  // Lets the event loop end although the job is still running.
  void ReleaseLoop(Napi::Env env);
  // Marks the job as failed, without running it; Settle() then rejects the promise.
  void Fail(std::exception_ptr failure) { failure_ = std::move(failure); }

  // Keeps a JS value, whose memory Execute() reads, alive until the job is destroyed.
  void KeepAlive(Napi::Object value) { kept_alive_.push_back(Napi::Persistent(value)); }
  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  // Runs on an executor thread; must not touch V8.
  virtual void Execute() = 0;
  // Runs on the JS thread if Execute() succeeded; returns the value that the promise resolves to.
  virtual Napi::Value GetResult(Napi::Env env) = 0;

 private:
  Napi::Promise::Deferred deferred_;
  std::vector<Napi::ObjectReference> kept_alive_;
  // Keeps the executor alive until the job is destroyed on the JS thread: ~Executor() joins its
  // threads and must not run on one of them.
  std::shared_ptr<Executor> executor_;
  std::shared_ptr<Completions> completions_;
  std::exception_ptr failure_;
  bool is_settled_ = false;
  bool keeps_loop_alive_ = false;
};

// A job that consists of two functions: `work()` runs on an executor thread, then
// `result(env, value)`, with the return value of work(), on the JS thread.
template <class WorkFunction, class ResultFunction>
class FunctionJob final : public Job {
 public:
  FunctionJob(Napi::Env env, std::shared_ptr<Executor> executor, WorkFunction work,
              ResultFunction result)
      : Job(env, std::move(executor)), work_(std::move(work)), result_(std::move(result)) {}

 private:
  // Moves the function out so that its captures, e.g. the model and the inputs, are destroyed here,
  // on an executor thread: freeing hundreds of megabytes takes time.
  void Execute() override {
    auto work = std::move(*work_);
    work_.reset();
    value_.emplace(work());
  }
  Napi::Value GetResult(Napi::Env env) override { return result_(env, std::move(*value_)); }

  std::optional<WorkFunction> work_;
  ResultFunction result_;
  std::optional<decltype(std::declval<WorkFunction>()())> value_;
};

// Queues a job and returns its promise, which is rejected if the executor is closed. The job's ID
// is that of its task.
Napi::Promise Enqueue(Napi::Env env, Executor& executor, std::unique_ptr<Job> job,
                      const QueueOptions& options = {});
// Like Enqueue(), but closes the executor: the job is its last.
Napi::Promise EnqueueFinal(Napi::Env env, Executor& executor, std::unique_ptr<Job> job);

struct SubmitOptions {
  std::shared_ptr<Executor> executor;
  // The JS values whose memory the work reads.
  std::vector<Napi::Object> keep_alive = {};
  QueueOptions queue = {};
};

// Runs `work()` on an executor thread; the promise resolves to `result(env, value)`, with the
// return value of work().
template <class WorkFunction, class ResultFunction>
Napi::Promise Submit(Napi::Env env, SubmitOptions options, WorkFunction work,
                     ResultFunction result) {
  auto job = std::make_unique<FunctionJob<WorkFunction, ResultFunction>>(
      env, options.executor, std::move(work), std::move(result));
  for (const auto& value : options.keep_alive) job->KeepAlive(value);
  return Enqueue(env, *options.executor, std::move(job), options.queue);
}

// Throws ERR_SEMISUP_DISPOSED: the executor is closed.
[[noreturn]] void ThrowDisposed();

// A std::packaged_task as a Task, but with the function destroyed on the executor thread: the
// shared state of a std::packaged_task would keep it until the future is destroyed.
template <class WorkFunction>
class PackagedTask final : public Task {
 public:
  using Value = decltype(std::declval<WorkFunction>()());
  explicit PackagedTask(WorkFunction work) : work_(std::move(work)) {}

  void Run() noexcept override {
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

// Like Submit(), but blocks the JS thread until the work is done.
template <class WorkFunction, class ResultFunction>
Napi::Value SubmitAndWait(Napi::Env env, const SubmitOptions& options, WorkFunction work,
                          ResultFunction result) {
  auto task = std::make_unique<PackagedTask<WorkFunction>>(std::move(work));
  auto outcome = task->GetFuture();
  // Push() takes a std::unique_ptr<Task>&.
  std::unique_ptr<Task> pushed = std::move(task);
  if (!options.executor->Push(pushed, options.queue)) ThrowDisposed();
  return result(env, outcome.get());
}

// The result of a job whose work returns std::monostate.
inline Napi::Value ToUndefined(Napi::Env env, std::monostate) { return env.Undefined(); }

// Cancels a job: removes it from the queue and rejects its promise. If it is already running, its
// promise stays pending, and the job no longer keeps the event loop alive; it is asked to end
// early, which few jobs can.
Napi::Value CancelJob(const Napi::CallbackInfo& info);
// Abandons all jobs of an executor but the one of EnqueueFinal(), and rejects their promises.
Napi::Value AbandonExecutor(const Napi::CallbackInfo& info);

}  // namespace semisup
