#include <napi.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "gpu_driver.h"
#include "library.h"

namespace {

#ifdef _WIN32

struct ShortSpins {};

#else

// GNU's OpenMP lets a thread that waits for the others spin for milliseconds. Where a neighbour
// wants the core, the spinning keeps the very thread from it that all wait for, and a forward takes
// ten times as long. It reads the variable once, when it is opened.
class ShortSpins {
 public:
  ShortSpins() : ours_(!getenv("OMP_WAIT_POLICY") && !getenv(kName)) {
    if (ours_) setenv(kName, "10000", 0);
  }
  ~ShortSpins() {
    if (ours_) unsetenv(kName);
  }
  ShortSpins(const ShortSpins&) = delete;
  ShortSpins& operator=(const ShortSpins&) = delete;

 private:
  static constexpr const char* kName = "GOMP_SPINCOUNT";
  const bool ours_;
};

#endif

void OpenLibraries(const std::vector<std::string>& paths) {
  [[maybe_unused]] const ShortSpins spins;
  for (const std::string& path : paths) OpenLibrary(path);
}

std::vector<std::string> PathsFrom(const Napi::CallbackInfo& info) {
  if (!info[0].IsArray()) {
    throw Napi::TypeError::New(info.Env(), "Expected an array of absolute paths.");
  }
  const auto array = info[0].As<Napi::Array>();
  std::vector<std::string> paths;
  for (uint32_t i = 0; i < array.Length(); i++) {
    const Napi::Value path = array[i];
    if (!path.IsString()) throw Napi::TypeError::New(info.Env(), "Expected a path as a string.");
    paths.push_back(path.As<Napi::String>());
  }
  return paths;
}

void OpenSync(const Napi::CallbackInfo& info) {
  try {
    OpenLibraries(PathsFrom(info));
  } catch (const std::runtime_error& error) {
    throw Napi::Error::New(info.Env(), error.what());
  }
}

// One call of open(): owned by the thread-safe function, whose finalizer joins the thread, so that
// an environment that ends early waits for dlopen instead of leaving it with freed memory.
struct Opening {
  Opening(Napi::Env env, std::vector<std::string> paths)
      : deferred(Napi::Promise::Deferred::New(env)), paths(std::move(paths)) {}

  void Run() {
    try {
      OpenLibraries(paths);
    } catch (const std::exception& e) {
      error = e.what();
    }
    done.BlockingCall(
        this, [](Napi::Env env, Napi::Function, Opening* opening) { opening->Settle(env); });
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
};

Napi::Value Open(const Napi::CallbackInfo& info) {
  auto* opening = new Opening(info.Env(), PathsFrom(info));
  opening->done = Napi::ThreadSafeFunction::New(
      info.Env(), Napi::Function(), "semisup:open", /*maxQueueSize=*/0, /*initialThreadCount=*/1,
      [](Napi::Env, Opening* opening) {
        if (opening->thread.joinable()) opening->thread.join();
        delete opening;
      },
      opening);
  const Napi::Promise promise = opening->deferred.Promise();
  try {
    opening->thread = std::thread(&Opening::Run, opening);
  } catch (const std::system_error& error) {
    opening->done.Release();
    throw Napi::Error::New(info.Env(), error.what());
  }
  return promise;
}

Napi::Object Describe(Napi::Env env, const GpuDriver& driver) {
  auto answer = Napi::Object::New(env);
  if (!driver.missing.empty()) answer["missing"] = driver.missing;
  if (!driver.failure.empty()) answer["failure"] = driver.failure;
  answer["cudaVersion"] = driver.cuda_version;
  auto gpus = Napi::Array::New(env, driver.gpus.size());
  for (uint32_t i = 0; i < driver.gpus.size(); i++) {
    const auto& gpu = driver.gpus[i];
    auto described = Napi::Object::New(env);
    described["name"] = gpu.name;
    described["major"] = gpu.major;
    described["minor"] = gpu.minor;
    described["total"] = static_cast<double>(gpu.total);
    if (gpu.free) described["free"] = static_cast<double>(*gpu.free);
    gpus[i] = described;
  }
  answer["gpus"] = gpus;
  return answer;
}

// The names of the driver's libraries.
struct DriverNames {
  explicit DriverNames(const Napi::CallbackInfo& info) {
    if (!info[0].IsString() || !info[1].IsString()) {
      throw Napi::TypeError::New(info.Env(), "Expected two names of libraries.");
    }
    cuda = info[0].As<Napi::String>();
    nvml = info[1].As<Napi::String>();
  }
  std::string cuda, nvml;
};

Napi::Value AskSync(const Napi::CallbackInfo& info) {
  const DriverNames names(info);
  return Describe(info.Env(), AskGpuDriver(names.cuda, names.nvml));
}

class Asking final : public Napi::AsyncWorker {
 public:
  explicit Asking(const Napi::CallbackInfo& info)
      : AsyncWorker(info.Env(), "semisup:askGpuDriver"),
        names_(info),
        deferred_(Napi::Promise::Deferred::New(info.Env())) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override { driver_ = AskGpuDriver(names_.cuda, names_.nvml); }
  void OnOK() override { deferred_.Resolve(Describe(Env(), driver_)); }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  const DriverNames names_;
  const Napi::Promise::Deferred deferred_;
  GpuDriver driver_;
};

Napi::Value Ask(const Napi::CallbackInfo& info) {
  auto asking = std::make_unique<Asking>(info);
  const auto promise = asking->promise();
  // It frees itself when it is done.
  asking.release()->Queue();
  return promise;
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports["open"] = Napi::Function::New(env, Open, "open");
  exports["openSync"] = Napi::Function::New(env, OpenSync, "openSync");
  exports["askGpuDriver"] = Napi::Function::New(env, Ask, "askGpuDriver");
  exports["askGpuDriverSync"] = Napi::Function::New(env, AskSync, "askGpuDriverSync");
  return exports;
}

}  // namespace

NODE_API_MODULE(NODE_GYP_MODULE_NAME, Init)
