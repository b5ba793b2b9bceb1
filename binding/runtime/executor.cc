#include "runtime/executor.h"

#include <ATen/Parallel.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include <algorithm>
#include <chrono>
#include <utility>

#include "runtime/error.h"
#include "runtime/heap.h"

namespace semisup {
namespace {

constexpr std::chrono::milliseconds kReleaseThreadsAfter{200};
constexpr std::chrono::seconds kIdleAfter{5};

// Set on the threads of an executor.
thread_local const std::atomic<bool>* is_shutting_down = nullptr;

// Ends the OpenMP worker threads of the calling thread. If there are more OpenMP threads than
// cores, including the idle threads of other models, libgomp hardly spins at barriers, which makes
// inference on a single image about a sixth slower.
void ReleaseOpenMpThreads() {
#if defined(_OPENMP) && !defined(_MSC_VER)  // MSVC's header lacks this function of OpenMP 5.0.
  omp_pause_resource_all(omp_pause_soft);
#endif
}

}  // namespace

int DefaultThreads() {
  static const int threads = at::get_num_threads();
  return threads;
}

Executor::Executor(int instances, int threads) {
  try {
    for (int i = 0; i < instances; i++) {
      threads_.emplace_back([this, threads] { RunTasks(threads); });
    }
  } catch (...) {
    Shutdown();
    throw;
  }
}

Executor::~Executor() { Shutdown(); }

bool Executor::Push(std::unique_ptr<Task>& task, const QueueOptions& options) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  queue_.push_back({options, std::move(task)});
  changed_.notify_one();
  return true;
}

std::unique_ptr<Task> Executor::Remove(int64_t task_id) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(
      queue_.begin(), queue_.end(),
      [task_id](const QueuedTask& queued) { return queued.options.task_id == task_id; });
  if (found == queue_.end()) return nullptr;
  auto task = std::move(found->task);
  queue_.erase(found);
  changed_.notify_all();
  return task;
}

bool Executor::Close(std::unique_ptr<Task>& final_task) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  closed_ = true;
  final_task_ = std::move(final_task);
  changed_.notify_all();
  return true;
}

void Executor::Shutdown() { Stop(); }

void Executor::ShutdownAtExit() { new std::deque<QueuedTask>(Stop()); }

std::deque<Executor::QueuedTask> Executor::Stop() {
  is_shutting_down_ = true;
  // The caller destroys the tasks, outside the lock.
  std::deque<QueuedTask> dropped;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(queue_);
    if (final_task_) dropped.push_back({{}, std::move(final_task_)});
    changed_.notify_all();
  }
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  return dropped;
}

void Executor::CheckShutdown() {
  if (is_shutting_down && *is_shutting_down) {
    throw Error("ERR_SEMISUP_CANCELED", "The process or worker ended while the call ran.");
  }
}

void Executor::RunTasks(int threads) {
  is_shutting_down = &is_shutting_down_;
  // OpenMP stores the number of threads per calling thread, but LibTorch initializes each new
  // thread with the number that was last set on any thread: always set it here.
  // lazy_init_num_threads() is inline and has a thread-local flag, of which LibTorch and this
  // library each have a copy: the first call of each copy would reset the number, so call both
  // first.
  at::internal::lazy_init_num_threads();
  at::get_num_threads();
  at::set_num_threads(threads > 0 ? threads : DefaultThreads());
  while (auto task = Next()) {
    auto* running = task.get();
    running->Run(std::move(task));
    const std::lock_guard lock(mutex_);
    running_--;
    if (closed_ || runs_exclusively_) changed_.notify_all();
    runs_exclusively_ = false;
  }
}

void Executor::OnIdle(std::function<void()> callback) {
  const std::lock_guard lock(mutex_);
  idle_callbacks_.push_back(std::move(callback));
}

void Executor::RunIdleCallbacks(std::unique_lock<std::mutex>& lock) {
  has_run_idle_callbacks_ = true;
  const auto callbacks = idle_callbacks_;
  lock.unlock();
  for (const auto& callback : callbacks) callback();
  if (!callbacks.empty()) ReturnFreedMemory();
  lock.lock();
}

bool Executor::CanProceed() const {
  if (queue_.empty()) return closed_ && running_ == 0;
  return !runs_exclusively_ && (running_ == 0 || !queue_.front().options.is_exclusive);
}

std::unique_ptr<Task> Executor::Next() {
  std::unique_lock lock(mutex_);
  const auto can_proceed = [this] { return CanProceed(); };
  if (!changed_.wait_for(lock, kReleaseThreadsAfter, can_proceed)) {
    lock.unlock();
    ReleaseOpenMpThreads();
    lock.lock();
    const bool is_idle = !changed_.wait_for(lock, kIdleAfter, can_proceed);
    if (is_idle && !has_run_idle_callbacks_ && running_ == 0) RunIdleCallbacks(lock);
    changed_.wait(lock, can_proceed);
  }
  std::unique_ptr<Task> task;
  if (queue_.empty()) {
    task = std::move(final_task_);
  } else {
    task = std::move(queue_.front().task);
    runs_exclusively_ = queue_.front().options.is_exclusive;
    queue_.pop_front();
  }
  if (task) {
    running_++;
    has_run_idle_callbacks_ = false;
  }
  return task;
}

}  // namespace semisup
