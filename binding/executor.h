#pragma once
#include <napi.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

namespace semisup {

class Completions;
class Job;

// A thread with a queue. LibTorch runs here, never on the JS thread and never on libuv's few
// threads, where a long forward would keep fs and dns waiting.
class Executor {
 public:
  static constexpr const char* kName = "Executor";
  static constexpr napi_type_tag kTag = {0x8d1f3a54c1b64e0f, 0x9b0c6f6a2d7e4f11};

  // `threads` is LibTorch's number of threads inside an operator, 0 for its default.
  Executor(std::shared_ptr<Completions> completions, int threads);
  // Joins the thread, so it may not run on it; jobs hold the executor, so none waits by then.
  ~Executor();

  // Throws ERR_SEMISUP_DISPOSED after Close().
  void Push(std::unique_ptr<Job> job);
  // Refuses new jobs from now on; `last` runs after those that wait.
  void Close(std::unique_ptr<Job> last);
  // Drops the jobs that wait, lets the running one end, and joins. For the environment's end.
  void Abandon();

 private:
  void Loop(int threads);

  std::shared_ptr<Completions> completions_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Job>> queue_;
  bool closed_ = false;
  std::thread thread_;
};

Napi::Value CreateExecutor(const Napi::CallbackInfo& info);
Napi::Value CloseExecutor(const Napi::CallbackInfo& info);

}  // namespace semisup
