#include "runtime/environment.h"

#include <chrono>
#include <functional>
#include <string>
#include <utility>

#include "runtime/error.h"
#include "runtime/executor.h"
#include "runtime/lost_threads.h"
#include "runtime/package_hash.h"

namespace semisup {
namespace {

// How long running tasks may take when an environment ends. The JavaScript memory that a task reads
// is freed afterwards, so the task should have ended by then.
constexpr std::chrono::seconds kShutdownPatience{5};
// Likewise when the process exits, and nothing is freed.
constexpr std::chrono::seconds kExitPatience{2};

}  // namespace

Environment::Environment(Napi::Env env, Napi::Object exports) : env_(env) {
  // Records the default before any executor changes it.
  DefaultThreads();
  const auto drain = [this](const Napi::CallbackInfo&) {
    for (const auto& completion : completions_->TakeAll()) completion->Settle(env_);
  };
  completions_ = std::make_shared<Completions>(env, Napi::Function::New(env, drain));
  const auto initialize = [this](const Napi::CallbackInfo& info) {
    make_error_ = Napi::Persistent(info[0].As<Napi::Function>());
    make_tensor_ = Napi::Persistent(info[1].As<Napi::Function>());
    // Set once: handles exist that depend on it.
    uint64_t unset = 0;
    package_hash.compare_exchange_strong(unset,
                                         std::hash<std::string>()(info[2].As<Napi::String>()));
  };
  exports.Set("initialize", Napi::Function::New(env, initialize));
  const auto shutdown = [this](const Napi::CallbackInfo&) { Shutdown(); };
  exports.Set("shutdown", Napi::Function::New(env, shutdown));
  env.AddCleanupHook([this] { Shutdown(); });
}

Napi::Error Environment::ToJsError(std::exception_ptr failure) const {
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
    code = ErrorCodeFor(error, code);
    what = MessageWithoutBacktrace(error);
  } catch (...) {
    what = "An exception of unknown type was thrown.";
  }
  if (make_error_.IsEmpty()) return Napi::Error::New(env_, what);
  const auto error =
      make_error_.Call({Napi::String::New(env_, code), Napi::String::New(env_, what)});
  return Napi::Error(env_, error);
}

void Environment::RegisterExecutor(const std::shared_ptr<Executor>& executor) {
  std::erase_if(executors_, [](const auto& known) { return known.expired(); });
  executors_.push_back(executor);
}

std::shared_ptr<Usage> Environment::UsageOf(const std::string& kind) {
  auto& usage = usage_[kind];
  if (!usage) usage = std::make_shared<Usage>();
  return usage;
}

void Environment::ReportUsage(const std::string& kind,
                              std::function<std::optional<int64_t>()> report) {
  std::erase_if(reporters_, [](const Reporter& reporter) { return !reporter.report(); });
  reporters_.push_back({kind, std::move(report)});
}

UsageByKind Environment::CurrentUsage() {
  UsageByKind current;
  for (const auto& [kind, usage] : usage_) current[kind] = *usage;
  std::erase_if(reporters_, [&](const Reporter& reporter) {
    const auto bytes = reporter.report();
    auto& usage = current[reporter.kind];
    if (!bytes) return true;
    usage.count++;
    usage.bytes += *bytes;
    return false;
  });
  return current;
}

void Environment::OnJobQueued() {
  if (pending_jobs_++ == 0) completions_->Ref(env_);
}

void Environment::OnJobEnded() {
  if (--pending_jobs_ == 0) completions_->Unref(env_);
}

std::vector<std::shared_ptr<Executor>> Environment::InterruptExecutors() {
  std::vector<std::shared_ptr<Executor>> interrupted;
  for (const auto& known : executors_) {
    const auto executor = known.lock();
    if (!executor) continue;
    executor->Interrupt();
    interrupted.push_back(executor);
  }
  return interrupted;
}

void Environment::Shutdown() {
  const auto deadline = Executor::Clock::now() + kShutdownPatience;
  for (const auto& executor : InterruptExecutors()) executor->Shutdown(deadline);
  completions_->Close();
  completions_->DropAll();
}

void Environment::ShutdownAtExit() {
  const auto deadline = Executor::Clock::now() + kExitPatience;
  for (const auto& executor : InterruptExecutors()) executor->ShutdownAtExit(deadline);
  LostThreads::OnExit();
}

}  // namespace semisup
