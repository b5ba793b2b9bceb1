#pragma once
#include <napi.h>

#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "memory.h"
#include "plan/arena.h"

namespace semisup {

class Executor;
class Job;

// Where executors leave their finished jobs, and how the JS thread learns of them.
class Completions {
 public:
  Completions(Napi::Env env, Napi::Function drain);
  // On an executor's thread. After Close() the job waits here for DropAll().
  void Push(std::unique_ptr<Job> job);

  // The rest is for the JS thread alone.
  std::deque<std::unique_ptr<Job>> TakeAll();
  void Ref(Napi::Env env) { wake_.Ref(env); }
  void Unref(Napi::Env env) { wake_.Unref(env); }
  void Close();
  void DropAll();

 private:
  std::mutex mutex_;
  std::deque<std::unique_ptr<Job>> done_;
  bool closed_ = false;
  Napi::ThreadSafeFunction wake_;
};

// All state of one JS environment: the main thread's, a worker's, an Electron context's. Nothing is
// static, so that any number of them may load the addon.
class Environment : public Napi::Addon<Environment> {
 public:
  Environment(Napi::Env env, Napi::Object exports);
  static Environment& Of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

  // The one place where a C++ exception becomes a JS error.
  Napi::Error ToJs(std::exception_ptr failure) const;

  // A Tensor of src/torch/tensor.ts, from its handle.
  Napi::Value ToTensor(Napi::Object handle) const { return make_tensor_.Call({handle}); }

  std::shared_ptr<Completions> completions() const { return completions_; }
  void Register(const std::shared_ptr<Executor>& executor);
  void Register(const std::shared_ptr<plan::Arena>& arena);
  // Of those that there still are.
  Usage arenas() const;
  std::shared_ptr<Usage> UsageOf(const std::string& kind);
  const UsageByKind& usage() const { return usage_; }
  // Keeps the event loop alive while jobs are under way.
  void JobStarted();
  // Settles the promise of a job that is done.
  void Finish(std::unique_ptr<Job> job);

 private:
  // Before the environment goes: no thread of ours may outlive it or the libraries it runs in.
  // Called by JavaScript when the process exits, because process.exit() runs no cleanup hooks, and
  // by the cleanup hook when a worker is terminated, because that runs no JavaScript. Idempotent.
  void Shutdown();

  Napi::Env env_;
  Napi::FunctionReference make_error_;
  Napi::FunctionReference make_tensor_;
  std::shared_ptr<Completions> completions_;
  std::vector<std::weak_ptr<Executor>> executors_;
  std::vector<std::weak_ptr<plan::Arena>> arenas_;
  UsageByKind usage_;
  size_t under_way_ = 0;
};

}  // namespace semisup
