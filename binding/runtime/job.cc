#include "runtime/job.h"

#include "runtime/environment.h"
#include "runtime/error.h"
#include "runtime/handle.h"

namespace semisup {

Job::Job(Napi::Env env, std::shared_ptr<Executor> executor)
    : deferred_(Napi::Promise::Deferred::New(env)),
      executor_(std::move(executor)),
      completions_(Environment::Of(env).completions()) {}

void Job::Run(std::unique_ptr<Task> self) noexcept {
  try {
    Execute();
  } catch (...) {
    failure_ = std::current_exception();
  }
  self.release();
  completions_->Push(std::unique_ptr<Completion>(this));
}

void Job::Settle(Napi::Env env) {
  Napi::Value value;
  Napi::Value error;
  try {
    if (failure_) std::rethrow_exception(failure_);
    value = GetResult(env);
  } catch (...) {
    error = Environment::Of(env).ToJsError(std::current_exception()).Value();
  }
  if (error.IsEmpty()) {
    deferred_.Resolve(value);
  } else {
    deferred_.Reject(error);
  }
}

void ThrowDisposed() {
  throw Error("ERR_SEMISUP_DISPOSED", "The model was used after it was closed.");
}

namespace {

// `push` takes the task, or returns false if the executor is closed.
template <class PushFunction>
Napi::Promise EnqueueBy(Napi::Env env, std::unique_ptr<Job> job, PushFunction push) {
  auto promise = job->promise();
  std::unique_ptr<Task> task = std::move(job);
  if (push(task)) {
    Environment::Of(env).OnJobQueued();
    return promise;
  }
  auto* refused = static_cast<Job*>(task.get());
  try {
    ThrowDisposed();
  } catch (...) {
    refused->Fail(std::current_exception());
  }
  refused->Settle(env);
  return promise;
}

}  // namespace

Napi::Promise Enqueue(Napi::Env env, Executor& executor, std::unique_ptr<Job> job,
                      const QueueOptions& options) {
  return EnqueueBy(env, std::move(job),
                   [&](std::unique_ptr<Task>& task) { return executor.Push(task, options); });
}

Napi::Promise EnqueueFinal(Napi::Env env, Executor& executor, std::unique_ptr<Job> job) {
  return EnqueueBy(env, std::move(job),
                   [&](std::unique_ptr<Task>& task) { return executor.Close(task); });
}

Napi::Value CancelJob(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto job_id = info[1].As<Napi::Number>().Int64Value();
  auto task = job_id == 0 ? nullptr : Unwrap<Executor>(info[0])->Remove(job_id);
  if (!task) return Napi::Boolean::New(env, false);
  // Only jobs are queued with an ID.
  std::unique_ptr<Job> job(static_cast<Job*>(task.release()));
  job->Fail(std::make_exception_ptr(
      Error("ERR_SEMISUP_CANCELED", "The call was canceled before it ran.")));
  Environment::Of(env).Finish(std::move(job));
  return Napi::Boolean::New(env, true);
}

}  // namespace semisup
