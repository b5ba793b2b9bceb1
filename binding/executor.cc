#include "executor.h"

#include <ATen/Parallel.h>

#include "environment.h"
#include "error.h"
#include "handle.h"
#include "job.h"

namespace semisup {

Executor::Executor(std::shared_ptr<Completions> completions, int threads)
    : completions_(std::move(completions)), thread_([this, threads] { Loop(threads); }) {}

Executor::~Executor() { Abandon(); }

void Executor::Push(std::unique_ptr<Job> job) {
  std::lock_guard lock(mutex_);
  if (closed_) throw Error("ERR_SEMISUP_DISPOSED", "The model was used after it was closed.");
  queue_.push_back(std::move(job));
  changed_.notify_one();
}

void Executor::Close(std::unique_ptr<Job> last) {
  Push(std::move(last));
  std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_one();
}

void Executor::Abandon() {
  std::deque<std::unique_ptr<Job>> dropped;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(queue_);
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Executor::Loop(int threads) {
  // OpenMP keeps its number of threads per calling thread, so it is set here and nowhere else.
  if (threads > 0) at::set_num_threads(threads);
  while (true) {
    std::unique_ptr<Job> job;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return closed_ || !queue_.empty(); });
      if (queue_.empty()) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    job->Run();
    completions_->Push(std::move(job));
  }
}

Napi::Value CreateExecutor(const Napi::CallbackInfo& info) {
  const int threads = info[0].As<Napi::Number>().Int32Value();
  auto& environment = Environment::Of(info.Env());
  auto executor = std::make_shared<Executor>(environment.completions(), threads);
  environment.Register(executor);
  return Wrap(info.Env(), std::move(executor));
}

Napi::Value CloseExecutor(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto executor = Unwrap<Executor>(info[0]);
  auto nothing = [] { return Nothing{}; };
  auto job = std::make_unique<FunctionJob<decltype(nothing), decltype(&Undefined)>>(
      env, executor, nothing, &Undefined);
  auto promise = job->promise();
  executor->Close(std::move(job));
  Environment::Of(env).JobStarted();
  return promise;
}

}  // namespace semisup
