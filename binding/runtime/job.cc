#include "runtime/job.h"

#include "runtime/environment.h"
#include "runtime/error.h"
#include "runtime/handle.h"

namespace semisup {
namespace {

// Rejects the promise of a job that is still running. Delivered before the job itself, which is
// therefore alive.
class AbandonedJob final : public Completion {
 public:
  AbandonedJob(Job& job, std::exception_ptr reason) : job_(job), reason_(std::move(reason)) {}

  void Settle(Napi::Env env) override {
    job_.ReleaseLoop(env);
    job_.Reject(env, reason_);
  }

 private:
  Job& job_;
  std::exception_ptr reason_;
};

// Only jobs are queued with an ID, and only jobs can be queued while the JS thread is not blocked.
std::unique_ptr<Job> ToJob(std::unique_ptr<Task> task) {
  return std::unique_ptr<Job>(static_cast<Job*>(task.release()));
}

void CancelQueued(Napi::Env env, std::unique_ptr<Task> task) {
  const auto job = ToJob(std::move(task));
  job->Fail(std::make_exception_ptr(
      Error("ERR_SEMISUP_CANCELED", "The call was canceled before it ran.")));
  job->Settle(env);
}

}  // namespace

Job::Job(Napi::Env env, std::shared_ptr<Executor> executor)
    : deferred_(Napi::Promise::Deferred::New(env)),
      executor_(std::move(executor)),
      completions_(Environment::Of(env).completions()) {}

void Job::Run() noexcept {
  try {
    Execute();
  } catch (...) {
    failure_ = std::current_exception();
  }
}

void Job::Finish(std::unique_ptr<Task> self) noexcept {
  self.release();
  completions_->Push(std::unique_ptr<Completion>(this));
}

void Job::Abandon(std::exception_ptr reason) noexcept {
  completions_->Push(std::make_unique<AbandonedJob>(*this, std::move(reason)));
}

void Job::OnQueued(Napi::Env env) {
  keeps_loop_alive_ = true;
  Environment::Of(env).OnJobQueued();
}

void Job::Settle(Napi::Env env) {
  ReleaseLoop(env);
  if (is_settled_) return;
  if (failure_) {
    Reject(env, failure_);
    return;
  }
  Napi::Value value;
  try {
    value = GetResult(env);
  } catch (...) {
    Reject(env, std::current_exception());
    return;
  }
  is_settled_ = true;
  deferred_.Resolve(value);
}

void Job::Reject(Napi::Env env, std::exception_ptr reason) {
  if (is_settled_) return;
  is_settled_ = true;
  deferred_.Reject(Environment::Of(env).ToJsError(reason).Value());
}

void Job::ReleaseLoop(Napi::Env env) {
  if (std::exchange(keeps_loop_alive_, false)) Environment::Of(env).OnJobEnded();
}

void ThrowDisposed() {
  throw Error("ERR_SEMISUP_DISPOSED", "The model was used after it was closed.");
}

namespace {

// `push` takes the task, or returns false if the executor is closed.
template <class PushFunction>
Napi::Promise EnqueueBy(Napi::Env env, std::unique_ptr<Job> job, PushFunction push) {
  auto promise = job->promise();
  // The JS thread alone destroys jobs, so `queued` stays valid even if the job finishes at once.
  auto& queued = *job;
  std::unique_ptr<Task> task = std::move(job);
  if (push(task)) {
    queued.OnQueued(env);
    return promise;
  }
  try {
    ThrowDisposed();
  } catch (...) {
    queued.Reject(env, std::current_exception());
  }
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
  const auto executor = Unwrap<Executor>(info[0]);
  const auto job_id = info[1].As<Napi::Number>().Int64Value();
  if (auto task = executor->Remove(job_id)) {
    CancelQueued(env, std::move(task));
  } else if (auto* running = executor->FindRunning(job_id)) {
    static_cast<Job*>(running)->ReleaseLoop(env);
    executor->RequestAbort(job_id);
  }
  return env.Undefined();
}

Napi::Value AbandonExecutor(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto reason = std::make_exception_ptr(Error(
      "ERR_SEMISUP_TIMEOUT", "The model was closed while the call ran, and did not wait for it."));
  for (auto& task : Unwrap<Executor>(info[0])->Abandon(reason)) CancelQueued(env, std::move(task));
  return env.Undefined();
}

}  // namespace semisup
