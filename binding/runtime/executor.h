#pragma once
#include <atomic>
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

struct QueueOptions {
  // If not 0, lets Remove() find the task.
  int64_t task_id = 0;
  // Whether the task runs alone: after all earlier tasks and before all later ones.
  bool is_exclusive = false;
};

// Threads that share one task queue. Models run here: never on the JS thread, which calls only
// short functions of LibTorch, e.g. to create, read and convert tensors; nor on libuv's thread
// pool, where a long forward pass would delay fs and dns.
class Executor {
 public:
  // Runs up to `instances` tasks concurrently, each with `threads` intra-op threads; 0 stands for
  // DefaultThreads().
  Executor(int instances, int threads);
  // Joins the threads, so it must not run on one of them. Every queued job has a reference to the
  // executor, so the queue is empty by then.
  ~Executor();

  // The number of tasks that run concurrently.
  size_t instances() const { return threads_.size(); }

  // Queues the task. Returns false, and leaves `task` with the caller, if the executor is closed.
  [[nodiscard]] bool Push(std::unique_ptr<Task>& task, const QueueOptions& options = {});
  // Removes a task from the queue; returns null if it is not in the queue, e.g. because it is
  // already running.
  std::unique_ptr<Task> Remove(int64_t task_id);
  // Refuses new tasks. `final_task` runs after all others. Returns false, and leaves `final_task`
  // with the caller, if the executor was already closed.
  [[nodiscard]] bool Close(std::unique_ptr<Task>& final_task);
  // Adds a callback that an executor thread runs once each time the executor has been idle for
  // several seconds.
  void OnIdle(std::function<void()> callback);
  // Drops queued tasks, waits for running ones and joins the threads. Idempotent.
  void Shutdown();
  // Like Shutdown(), but leaks the queued tasks, because their destructors may need V8, which can
  // no longer run while the process exits.
  void ShutdownAtExit();
  // Throws if the executor of the calling thread is being shut down. Long tasks call it repeatedly,
  // so that a process or a worker that ends need not wait for them.
  static void CheckShutdown();

 private:
  struct QueuedTask {
    QueueOptions options;
    std::unique_ptr<Task> task;
  };

  // Closes the executor and joins the threads; returns the tasks that did not run.
  std::deque<QueuedTask> Stop();
  void RunTasks(int threads);
  // Whether Next() need not wait. Requires the lock.
  bool CanProceed() const;
  // Releases `lock` while the callbacks run.
  void RunIdleCallbacks(std::unique_lock<std::mutex>& lock);
  // Waits for the next task to run; null means that the thread should end.
  std::unique_ptr<Task> Next();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> is_shutting_down_ = false;
  std::deque<QueuedTask> queue_;
  std::unique_ptr<Task> final_task_;
  size_t running_ = 0;
  // Whether the running task is exclusive.
  bool runs_exclusively_ = false;
  bool closed_ = false;
  // Whether the idle callbacks have run since the last task started.
  bool has_run_idle_callbacks_ = true;
  std::vector<std::function<void()>> idle_callbacks_;
  std::vector<std::thread> threads_;
};

}  // namespace semisup
