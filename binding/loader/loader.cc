#include <napi.h>

#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "loader/exit_guard.h"
#include "loader/gpu_driver.h"
#include "loader/library.h"
#include "loader/process_directory.h"

namespace {

#ifdef _WIN32

struct ShortOpenMpSpins {};

#else

// Limits how long libgomp spins. By default a thread spins at a barrier for milliseconds; on a core
// shared with another process this delays the very thread that the others wait for, and a forward
// takes ten times as long. libgomp reads the variable once, when it is opened. A user's own setting
// is kept.
class ShortOpenMpSpins {
 public:
  ShortOpenMpSpins() : is_set_here_(!getenv("OMP_WAIT_POLICY") && !getenv(kName)) {
    if (is_set_here_) setenv(kName, "10000", 0);
  }
  ~ShortOpenMpSpins() {
    if (is_set_here_) unsetenv(kName);
  }
  ShortOpenMpSpins(const ShortOpenMpSpins&) = delete;
  ShortOpenMpSpins& operator=(const ShortOpenMpSpins&) = delete;

 private:
  static constexpr const char* kName = "GOMP_SPINCOUNT";
  const bool is_set_here_;
};

#endif

// One call at a time: workers may open LibTorch concurrently, and one would unset the variable that
// another relies on. Only until libgomp is open, because getenv() on another thread may read the
// environment while setenv() reallocates it.
void OpenLibraries(const std::vector<std::string>& paths) {
  static std::mutex mutex;
  static bool has_succeeded = false;
  const std::lock_guard lock(mutex);
  std::optional<ShortOpenMpSpins> spins;
  if (!has_succeeded) spins.emplace();
  for (const std::string& path : paths) OpenLibrary(path);
  has_succeeded = true;
}

std::vector<std::string> ReadPaths(const Napi::CallbackInfo& info) {
  if (!info[0].IsArray()) {
    throw Napi::TypeError::New(info.Env(),
                               "Expected an array of absolute paths for the libraries.");
  }
  const auto array = info[0].As<Napi::Array>();
  std::vector<std::string> paths;
  for (uint32_t i = 0; i < array.Length(); i++) {
    const Napi::Value path = array[i];
    if (!path.IsString()) {
      throw Napi::TypeError::New(info.Env(), "Expected a string for the path of a library.");
    }
    paths.push_back(path.As<Napi::String>());
  }
  return paths;
}

void OpenSync(const Napi::CallbackInfo& info) {
  try {
    OpenLibraries(ReadPaths(info));
  } catch (const std::runtime_error& error) {
    throw Napi::Error::New(info.Env(), error.what());
  }
}

// A call of open(). The thread-safe function owns it, and its finalizer joins the thread: an
// environment that ends early waits for dlopen, which would otherwise continue on freed memory. So
// does a process that exits, because LibTorch's static destructors crash while its constructors
// run.
struct OpenRequest {
  OpenRequest(Napi::Env env, std::vector<std::string> paths)
      : deferred(Napi::Promise::Deferred::New(env)), paths(std::move(paths)) {}

  void Join() {
    if (thread.joinable()) thread.join();
  }

  void Run() {
    try {
      OpenLibraries(paths);
    } catch (const std::exception& e) {
      error = e.what();
    }
    done.BlockingCall(
        this, [](Napi::Env env, Napi::Function, OpenRequest* request) { request->Settle(env); });
    done.Release();
  }

  void Settle(Napi::Env env) {
    if (error.empty()) {
      deferred.Resolve(env.Undefined());
    } else {
      deferred.Reject(Napi::Error::New(env, error).Value());
    }
  }

  Napi::Promise::Deferred deferred;
  const std::vector<std::string> paths;
  std::string error;
  Napi::ThreadSafeFunction done;
  std::thread thread;
  ExitGuard exit_guard{[this] { Join(); }};
};

Napi::Value Open(const Napi::CallbackInfo& info) {
  auto* request = new OpenRequest(info.Env(), ReadPaths(info));
  request->done = Napi::ThreadSafeFunction::New(
      info.Env(), Napi::Function(), "semisup:open", /*maxQueueSize=*/0, /*initialThreadCount=*/1,
      [](Napi::Env, OpenRequest* request) {
        request->Join();
        delete request;
      },
      request);
  const Napi::Promise promise = request->deferred.Promise();
  try {
    request->thread = std::thread(&OpenRequest::Run, request);
  } catch (const std::system_error& error) {
    request->done.Release();
    throw Napi::Error::New(info.Env(), error.what());
  }
  return promise;
}

Napi::Object ToJs(Napi::Env env, const GpuDriver& driver) {
  auto result = Napi::Object::New(env);
  if (!driver.missing.empty()) result["missing"] = driver.missing;
  if (!driver.failure.empty()) result["failure"] = driver.failure;
  result["cudaVersion"] = driver.cuda_version;
  auto gpus = Napi::Array::New(env, driver.gpus.size());
  for (uint32_t i = 0; i < driver.gpus.size(); i++) {
    const auto& gpu = driver.gpus[i];
    auto entry = Napi::Object::New(env);
    entry["name"] = gpu.name;
    entry["major"] = gpu.major;
    entry["minor"] = gpu.minor;
    entry["total"] = static_cast<double>(gpu.total);
    if (gpu.free) entry["free"] = static_cast<double>(*gpu.free);
    gpus[i] = entry;
  }
  result["gpus"] = gpus;
  return result;
}

// The paths or names of the driver's libraries.
struct DriverLibraries {
  explicit DriverLibraries(const Napi::CallbackInfo& info) {
    if (!info[0].IsString() || !info[1].IsString()) {
      throw Napi::TypeError::New(info.Env(), "Expected two strings for the driver's libraries.");
    }
    cuda = info[0].As<Napi::String>();
    nvml = info[1].As<Napi::String>();
  }
  std::string cuda, nvml;
};

Napi::Value QueryDriverSync(const Napi::CallbackInfo& info) {
  const DriverLibraries libraries(info);
  return ToJs(info.Env(), QueryGpuDriver(libraries.cuda, libraries.nvml));
}

class DriverQuery final : public Napi::AsyncWorker {
 public:
  explicit DriverQuery(const Napi::CallbackInfo& info)
      : AsyncWorker(info.Env(), "semisup:queryGpuDriver"),
        libraries_(info),
        deferred_(Napi::Promise::Deferred::New(info.Env())) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override { driver_ = QueryGpuDriver(libraries_.cuda, libraries_.nvml); }
  void OnOK() override { deferred_.Resolve(ToJs(Env(), driver_)); }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  const DriverLibraries libraries_;
  const Napi::Promise::Deferred deferred_;
  GpuDriver driver_;
};

Napi::Value QueryDriver(const Napi::CallbackInfo& info) {
  auto query = std::make_unique<DriverQuery>(info);
  const auto promise = query->promise();
  // A queued AsyncWorker deletes itself.
  query.release()->Queue();
  return promise;
}

std::string ReadDirectory(const Napi::CallbackInfo& info) {
  if (!info[0].IsString()) {
    throw Napi::TypeError::New(info.Env(), "Expected a string for LibTorch's directory.");
  }
  return info[0].As<Napi::String>();
}

// { chosen?, current? }
Napi::Value GetDirectory(const Napi::CallbackInfo& info) {
  const auto state = ProcessDirectory::Instance().Get();
  auto result = Napi::Object::New(info.Env());
  if (!state.chosen.empty()) result["chosen"] = state.chosen;
  if (!state.current.empty()) result["current"] = state.current;
  return result;
}

Napi::Value ChooseDirectory(const Napi::CallbackInfo& info) {
  const bool is_chosen = ProcessDirectory::Instance().Choose(ReadDirectory(info));
  return Napi::Boolean::New(info.Env(), is_chosen);
}

Napi::Value AcquireDirectory(const Napi::CallbackInfo& info) {
  const bool is_acquired = ProcessDirectory::Instance().Acquire(ReadDirectory(info));
  return Napi::Boolean::New(info.Env(), is_acquired);
}

void ReleaseDirectory(const Napi::CallbackInfo& info) {
  if (!info[0].IsBoolean()) {
    throw Napi::TypeError::New(info.Env(), "Expected a boolean for whether LibTorch is open.");
  }
  ProcessDirectory::Instance().Release(info[0].As<Napi::Boolean>());
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports["open"] = Napi::Function::New(env, Open, "open");
  exports["openSync"] = Napi::Function::New(env, OpenSync, "openSync");
  exports["directory"] = Napi::Function::New(env, GetDirectory, "directory");
  exports["chooseDirectory"] = Napi::Function::New(env, ChooseDirectory, "chooseDirectory");
  exports["acquireDirectory"] = Napi::Function::New(env, AcquireDirectory, "acquireDirectory");
  exports["releaseDirectory"] = Napi::Function::New(env, ReleaseDirectory, "releaseDirectory");
  exports["queryGpuDriver"] = Napi::Function::New(env, QueryDriver, "queryGpuDriver");
  exports["queryGpuDriverSync"] = Napi::Function::New(env, QueryDriverSync, "queryGpuDriverSync");
  return exports;
}

}  // namespace

NODE_API_MODULE(NODE_GYP_MODULE_NAME, Init)
