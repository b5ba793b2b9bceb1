#include "job.h"

#include "environment.h"
#include "executor.h"

namespace semisup {

Job::Job(Napi::Env env, std::shared_ptr<Executor> executor)
    : deferred_(Napi::Promise::Deferred::New(env)), executor_(std::move(executor)) {}

void Job::Run() noexcept {
  try {
    Work();
  } catch (...) {
    failure_ = std::current_exception();
  }
}

void Job::Settle(Napi::Env env) {
  try {
    if (failure_) std::rethrow_exception(failure_);
    deferred_.Resolve(Result(env));
  } catch (...) {
    deferred_.Reject(Environment::Of(env).ToJs(std::current_exception()).Value());
  }
}

Napi::Promise Enqueue(Napi::Env env, std::shared_ptr<Executor> executor, std::unique_ptr<Job> job) {
  auto promise = job->promise();
  executor->Push(std::move(job));
  Environment::Of(env).JobStarted();
  return promise;
}

}  // namespace semisup
