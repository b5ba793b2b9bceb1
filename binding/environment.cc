#include "environment.h"

#include <algorithm>

#include "error.h"
#include "executor.h"
#include "functions.h"
#include "job.h"

namespace semisup {

Completions::Completions(Napi::Env env, Napi::Function drain)
    : wake_(Napi::ThreadSafeFunction::New(env, drain, "semisup", 0, 1)) {
  wake_.Unref(env);
}

void Completions::Push(std::unique_ptr<Job> job) {
  std::lock_guard lock(mutex_);
  done_.push_back(std::move(job));
  // One call wakes the JS thread for all that have come by then.
  if (!closed_ && done_.size() == 1) wake_.NonBlockingCall();
}

std::deque<std::unique_ptr<Job>> Completions::TakeAll() {
  std::lock_guard lock(mutex_);
  return std::exchange(done_, {});
}

void Completions::Close() {
  std::lock_guard lock(mutex_);
  if (closed_) return;
  closed_ = true;
  wake_.Release();
}

void Completions::DropAll() { TakeAll().clear(); }

Environment::Environment(Napi::Env env, Napi::Object exports) : env_(env) {
  DefaultThreads();
  const auto drain = [this](const Napi::CallbackInfo&) {
    for (auto& job : completions_->TakeAll()) Finish(std::move(job));
  };
  completions_ = std::make_shared<Completions>(env, Napi::Function::New(env, drain));
  const auto set_factories = [this](const Napi::CallbackInfo& info) {
    make_error_ = Napi::Persistent(info[0].As<Napi::Function>());
    make_tensor_ = Napi::Persistent(info[1].As<Napi::Function>());
  };
  exports.Set("setFactories", Napi::Function::New(env, set_factories));
  const auto shutdown = [this](const Napi::CallbackInfo&) { Shutdown(); };
  exports.Set("shutdown", Napi::Function::New(env, shutdown));
  DefineFunctions(env, exports);
  env.AddCleanupHook([this] { Shutdown(); });
}

Napi::Error Environment::ToJs(std::exception_ptr failure) const {
  const char* code = "ERR_SEMISUP_SCRIPT";
  std::string what;
  try {
    std::rethrow_exception(failure);
  } catch (const Napi::Error& error) {
    return error;
  } catch (const Error& error) {
    code = error.code();
    what = error.what();
  } catch (const std::exception& error) {
    code = CodeOf(error, code);
    what = Describe(error);
  } catch (...) {
    what = "An exception of unknown type was thrown.";
  }
  if (make_error_.IsEmpty()) return Napi::Error::New(env_, what);
  const auto error =
      make_error_.Call({Napi::String::New(env_, code), Napi::String::New(env_, what)});
  return Napi::Error(env_, error);
}

void Environment::Register(const std::shared_ptr<Executor>& executor) {
  std::erase_if(executors_, [](const auto& known) { return known.expired(); });
  executors_.push_back(executor);
}

void Environment::Register(const std::shared_ptr<plan::Arena>& arena) {
  std::erase_if(arenas_, [](const auto& other) { return other.expired(); });
  arenas_.push_back(arena);
}

Usage Environment::arenas() const {
  Usage all;
  for (const auto& weak : arenas_) {
    const auto arena = weak.lock();
    if (!arena) continue;
    all.count++;
    all.bytes += static_cast<int64_t>(arena->bytes());
  }
  return all;
}

std::shared_ptr<Usage> Environment::UsageOf(const std::string& kind) {
  auto& usage = usage_[kind];
  if (!usage) usage = std::make_shared<Usage>();
  return usage;
}

void Environment::JobStarted() {
  if (under_way_++ == 0) completions_->Ref(env_);
}

void Environment::Finish(std::unique_ptr<Job> job) {
  job->Settle(env_);
  if (--under_way_ == 0) completions_->Unref(env_);
}

void Environment::Shutdown() {
  for (const auto& known : executors_) {
    if (const auto executor = known.lock()) executor->Abandon();
  }
  completions_->Close();
  completions_->DropAll();
}

}  // namespace semisup
