#pragma once
#include <napi.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace semisup {

// What an executor runs, once. `self` is the task itself, for it to end or to pass on.
class Task {
 public:
  virtual ~Task() = default;
  virtual void Run(std::unique_ptr<Task> self) noexcept = 0;
};

// LibTorch's own number of threads inside an operator, as it was when this was first called.
int DefaultThreads();

// Threads with one queue. LibTorch runs here, never on the JS thread and never on libuv's few
// threads, where a long forward would keep fs and dns waiting.
class Executor {
 public:
  static constexpr const char* kName = "Executor";
  static constexpr napi_type_tag kTag = {0x8d1f3a54c1b64e0f, 0x9b0c6f6a2d7e4f11};

  // Runs `instances` tasks at a time; each has `threads` threads of LibTorch inside an operator, 0
  // for LibTorch's default.
  Executor(int instances, int threads);
  // Joins the threads, so it may not run on one; jobs hold the executor, so none waits by then.
  ~Executor();

  // How many tasks run at a time.
  size_t instances() const { return threads_.size(); }

  // Takes the task, unless closed. A ticket other than 0 is for Take().
  [[nodiscard]] bool Push(std::unique_ptr<Task>& task, int64_t ticket = 0);
  // Takes a task that waits out of the queue; nothing if it runs already or has never been.
  std::unique_ptr<Task> Take(int64_t ticket);
  // Refuses new tasks from now on; `last`, taken unless closed already, runs when all others have.
  [[nodiscard]] bool Close(std::unique_ptr<Task>& last);
  // What is to be done whenever there has been nothing to do for some seconds.
  void WhenIdle(std::function<void()> rest);
  // Drops the tasks that wait, lets the running ones end, and joins. For the environment's end.
  void Abandon();

 private:
  struct Waiting {
    int64_t ticket;
    std::unique_ptr<Task> task;
  };

  void Loop(int threads);
  void Rest(std::unique_lock<std::mutex>& lock);
  // The next task to run, or nothing when the thread is to end.
  std::unique_ptr<Task> Next();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Waiting> queue_;
  std::unique_ptr<Task> last_;
  size_t running_ = 0;
  bool closed_ = false;
  // Since the last task.
  bool has_rested_ = true;
  std::vector<std::function<void()>> rests_;
  std::vector<std::thread> threads_;
};

Napi::Value CreateExecutor(const Napi::CallbackInfo& info);

}  // namespace semisup
