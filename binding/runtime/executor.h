#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace semisup {

// A unit of work that an executor runs once.
class Task {
 public:
  virtual ~Task() = default;
  // `self` owns this task: an override may destroy it or hand it to another thread.
  virtual void Run(std::unique_ptr<Task> self) noexcept = 0;
};

// LibTorch's number of intra-op threads at the first call of this function.
int DefaultThreads();

// Threads that share one task queue. LibTorch runs here: never on the JS thread, nor on libuv's
// thread pool, where a long forward pass would delay fs and dns.
class Executor {
 public:
  // Runs up to `instances` tasks concurrently, each with `threads` intra-op threads; 0 stands for
  // DefaultThreads().
  Executor(int instances, int threads);
  // Joins the threads, so it must not run on one of them. Every job has a reference to the
  // executor, so none is queued by then.
  ~Executor();

  // The number of tasks that run concurrently.
  size_t instances() const { return threads_.size(); }

  // Queues the task; returns false, and leaves it with the caller, if the executor is closed. A
  // nonzero `job_id` lets Dequeue() find the task.
  [[nodiscard]] bool Push(std::unique_ptr<Task>& task, int64_t job_id = 0);
  // Removes a task from the queue; returns null if it is not in the queue, e.g. because it is
  // already running.
  std::unique_ptr<Task> Dequeue(int64_t job_id);
  // Refuses new tasks. `final_task` runs after all others; returns false, and leaves it
  // with the caller, if the executor was already closed.
  [[nodiscard]] bool Close(std::unique_ptr<Task>& final_task);
  // Adds a callback that an executor thread runs once each time the executor has been idle for
  // several seconds.
  void OnIdle(std::function<void()> callback);
  // Drops queued tasks, waits for running ones and joins the threads. Idempotent.
  void Shutdown();

 private:
  struct QueuedTask {
    int64_t job_id;
    std::unique_ptr<Task> task;
  };

  void RunTasks(int threads);
  // Releases `lock` while the callbacks run.
  void RunIdleCallbacks(std::unique_lock<std::mutex>& lock);
  // Waits for the next task to run; null means that the thread should end.
  std::unique_ptr<Task> Next();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<QueuedTask> queue_;
  std::unique_ptr<Task> final_task_;
  size_t running_ = 0;
  bool closed_ = false;
  // Whether the idle callbacks have run since the last task started.
  bool has_run_idle_callbacks_ = true;
  std::vector<std::function<void()>> idle_callbacks_;
  std::vector<std::thread> threads_;
};

}  // namespace semisup
