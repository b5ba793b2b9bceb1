#pragma once
#include <napi.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loader/exit_guard.h"
#include "runtime/completions.h"
#include "runtime/usage.h"

namespace semisup {

class Executor;

// The state of one JS environment: the main thread, a worker or an Electron context. Nothing is
// static, so any number of environments may load the addon. JS thread only.
class Environment : public Napi::Addon<Environment> {
 public:
  Environment(Napi::Env env, Napi::Object exports);
  static Environment& Of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

  // Converts any C++ exception to a JS error. No other code does so.
  Napi::Error ToJsError(std::exception_ptr failure) const;

  // Creates the Tensor of src/native/tensor.ts for a handle.
  Napi::Value ToTensor(Napi::Object handle) const { return make_tensor_.Call({handle}); }

  std::shared_ptr<Completions> completions() const { return completions_; }
  // Shuts the executor down together with the environment.
  void RegisterExecutor(const std::shared_ptr<Executor>& executor);

  // The counter of one kind of native object. Holders share it, so it may outlive the environment.
  std::shared_ptr<Usage> UsageOf(const std::string& kind);
  // Counts an object without a handle as one of `kind` until `report`, which returns its bytes,
  // returns nullopt. Call UsageOf(kind) once to list a kind while it has no objects.
  void ReportUsage(const std::string& kind, std::function<std::optional<int64_t>()> report);
  UsageByKind CurrentUsage();

  // The event loop is kept alive between the two.
  void OnJobQueued();
  void OnJobEnded();

 private:
  struct Reporter {
    std::string kind;
    std::function<std::optional<int64_t>()> report;
  };

  // Makes the executors start no more tasks.
  std::vector<std::shared_ptr<Executor>> InterruptExecutors();
  // Joins every executor thread that ends in time. The cleanup hook calls this when the environment
  // ends. Idempotent.
  void Shutdown();
  // Likewise if the process exits without running cleanup hooks, as process.exit() does.
  void ShutdownAtExit();

  Napi::Env env_;
  Napi::FunctionReference make_error_;
  Napi::FunctionReference make_tensor_;
  std::shared_ptr<Completions> completions_;
  std::vector<std::weak_ptr<Executor>> executors_;
  std::map<std::string, std::shared_ptr<Usage>> usage_;
  std::vector<Reporter> reporters_;
  size_t pending_jobs_ = 0;
  ExitGuard exit_guard_{[this] { ShutdownAtExit(); }};
};

}  // namespace semisup
