#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "runtime/thread.h"

namespace semisup {

// A unit of work that an executor runs once.
class Task {
 public:
  virtual ~Task() = default;
  virtual void Run() noexcept = 0;
  // Called after Run(), or without it if the task was abandoned while it was queued. `self` owns
  // this task: an override may hand it to another thread.
  virtual void Finish([[maybe_unused]] std::unique_ptr<Task> self) noexcept {}
  // Called, on any thread, if nobody waits for the result any longer. Run() may be running, and may
  // never end; otherwise Finish() follows. Must not call the executor.
  virtual void Abandon([[maybe_unused]] std::exception_ptr reason) noexcept {}
};

// The default number of intra-op threads at the first call of this function.
int DefaultThreads();

struct QueueOptions {
  // If not 0, lets Remove() find the task.
  int64_t task_id = 0;
  // Whether the task runs alone: after all earlier tasks and before all later ones.
  bool is_exclusive = false;
  // The maximum time that the task may run; 0 if it is unlimited.
  std::chrono::milliseconds time_limit{0};
};

// How an executor shares the processor with others.
enum class Priority : uint8_t {
  kNormal,
  // Its tasks have a low priority, and measure in QuietTime.
  kBackground,
};

// Threads that share one task queue. Models run here: never on the JS thread, which calls only
// short functions of LibTorch, e.g. to create, read and convert tensors; nor on libuv's thread
// pool, where a long forward pass would delay fs and dns.
//
// Native code cannot be interrupted. A thread whose task exceeds its time limit, or still runs when
// the executor is abandoned or shut down, is lost: it is detached, ends after its task, and does
// not count as running. Another thread replaces it.
class Executor {
 public:
  using Clock = std::chrono::steady_clock;

  // Runs up to `instances` tasks concurrently, each with `threads` intra-op threads; 0 stands for
  // DefaultThreads().
  Executor(int instances, int threads, Priority priority);
  // Joins the threads, so it must not run on one of them. Every job has a reference to the
  // executor, so none is queued or running by then.
  ~Executor();

  // The number of tasks that run concurrently.
  size_t instances() const { return instances_; }

  // Queues the task. Returns false, and leaves `task` with the caller, if the executor is closed.
  // Throws ERR_SEMISUP_TIMEOUT if the task has a time limit and too many earlier tasks, which
  // exceeded theirs, still run.
  [[nodiscard]] bool Push(std::unique_ptr<Task>& task, const QueueOptions& options = {});
  // Removes a task from the queue; returns null if it is not in the queue, e.g. because it is
  // already running.
  std::unique_ptr<Task> Remove(int64_t task_id);
  // The running task; null if it is not running. If its Finish() hands it to the calling thread,
  // the result is valid until that thread processes what it was handed.
  Task* FindRunning(int64_t task_id);
  // Makes CurrentTask::IsAborted() true for a running task. Tasks that take long may end early
  // then.
  void RequestAbort(int64_t task_id);
  // Abandons the running tasks, and returns those that are queued; only the final task of Close()
  // still runs.
  std::vector<std::unique_ptr<Task>> Abandon(std::exception_ptr reason);
  // Refuses new tasks. `final_task` runs after all others. Returns false, and leaves `final_task`
  // with the caller, if the executor was already closed.
  [[nodiscard]] bool Close(std::unique_ptr<Task>& final_task);
  // Adds a callback that an executor thread runs once each time the executor has been idle for
  // several seconds.
  void OnIdle(std::function<void()> callback);
  // Starts no more tasks, and makes CheckShutdown() throw in the running ones.
  void Interrupt();
  // Drops queued tasks, waits for running ones until the deadline, and joins the threads.
  // Idempotent.
  void Shutdown(Clock::time_point deadline);
  // Like Shutdown(), but leaks the queued tasks, because their destructors may need V8, which can
  // no longer run while the process exits.
  void ShutdownAtExit(Clock::time_point deadline);
  // Throws if nobody waits for the calling thread any longer: it is lost, or its executor is being
  // shut down. Long tasks call it repeatedly, so that a process or a worker that ends need not wait
  // for them.
  static void CheckCanceled();
  // The task of the calling thread, for its other threads. Valid while it runs.
  struct CurrentTask {
    const std::atomic<bool>* is_shutting_down = nullptr;
    const std::atomic<bool>* is_lost = nullptr;
    const std::atomic<bool>* is_aborted = nullptr;
    Priority priority = Priority::kNormal;

    // Whether CheckCanceled() throws.
    bool IsCanceled() const;
    // Whether nobody waits for the result of the task itself.
    bool IsAborted() const { return is_aborted && *is_aborted; }
  };
  static const CurrentTask& current_task();

 private:
  struct QueuedTask {
    QueueOptions options;
    std::unique_ptr<Task> task;
  };

  struct Worker {
    std::optional<Thread> thread;
    // The running task, owned by the thread; null between tasks.
    Task* task = nullptr;
    QueueOptions options = {};
    Clock::time_point deadline = Clock::time_point::max();
    std::atomic<bool> is_lost = false;
    std::atomic<bool> is_aborted = false;
  };

  // Closes the executor and joins the threads; returns the tasks that did not run.
  std::deque<QueuedTask> Stop(Clock::time_point deadline);
  void RunTasks(int threads, const std::shared_ptr<Worker>& worker);
  // Runs a task. Returns false if the thread is lost; then the executor may no longer exist.
  bool RunTask(std::unique_ptr<Task> task, Worker& worker);
  // Whether Next() need not wait. Requires the lock.
  bool CanProceed() const;
  // Releases `lock` while the callbacks run.
  void RunIdleCallbacks(std::unique_lock<std::mutex>& lock);
  // Waits for the next task to run; null means that the thread should end.
  std::unique_ptr<Task> Next(Worker& worker);
  // The functions from here on require the lock.
  void StartThread();
  void OnTaskStarted();
  void OnTaskEnded();
  // Detaches the thread from the executor while its task runs.
  void Lose(Worker& worker);
  void LoseRunning(const std::exception_ptr& reason);
  // Abandons tasks that exceed their time limit.
  void WatchTimeLimits();
  // Abandons the queued tasks that have a time limit.
  void RefuseLimited();

  const int thread_count_;
  const size_t instances_;
  const Priority priority_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> is_shutting_down_ = false;
  std::deque<QueuedTask> queue_;
  std::unique_ptr<Task> final_task_;
  size_t running_ = 0;
  // The lost threads that still run.
  size_t lost_ = 0;
  // Whether the running task is exclusive.
  bool runs_exclusively_ = false;
  bool closed_ = false;
  // Whether the idle callbacks have run since the last task started.
  bool has_run_idle_callbacks_ = true;
  std::vector<std::function<void()>> idle_callbacks_;
  // Without the lost ones. Shared with the threads, because a lost thread outlives its entry.
  std::list<std::shared_ptr<Worker>> workers_;
  // Enforces time limits; started with the first task that has one.
  std::thread watchdog_;
  std::condition_variable deadlines_changed_;
};

}  // namespace semisup
