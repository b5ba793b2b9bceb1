#include "runtime/executor.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <system_error>
#include <utility>

#include "kernels/threads.h"
#include "runtime/error.h"
#include "runtime/foreground_tasks.h"
#include "runtime/heap.h"
#include "runtime/lost_threads.h"
#include "runtime/low_priority.h"

namespace semisup {
namespace {

constexpr std::chrono::milliseconds kReleaseThreadsAfter{200};
constexpr std::chrono::seconds kIdleAfter{5};

constexpr std::chrono::seconds kRetryThreadAfter{1};

// Each lost thread may occupy a core for good.
constexpr size_t kMaxLostThreads = 4;

thread_local Executor::CurrentTask current;

Error CanceledAtExit() {
  return {"ERR_SEMISUP_CANCELED", "The process or worker ended while the call ran."};
}

Error TimeLimitExceeded(const QueueOptions& options) {
  return {"ERR_SEMISUP_TIMEOUT", "The call exceeded its time limit of " +
                                     std::to_string(options.time_limit.count()) + " ms."};
}

Error TooManyLost(size_t count) {
  return {"ERR_SEMISUP_TIMEOUT",
          "The call was refused, because " + std::to_string(count) +
              " earlier calls of this model exceeded their time limit and are still running."};
}

}  // namespace

int DefaultThreads() {
  static const auto threads = static_cast<int>(kernels::DefaultThreadCount());
  return threads;
}

Executor::Executor(int instances, int threads, Priority priority)
    : thread_count_(threads), instances_(static_cast<size_t>(instances)), priority_(priority) {
  try {
    const std::lock_guard lock(mutex_);
    for (int i = 0; i < instances; i++) StartThread();
  } catch (...) {
    Shutdown(Clock::now());
    throw;
  }
}

Executor::~Executor() { Shutdown(Clock::now()); }

bool Executor::Push(std::unique_ptr<Task>& task, const QueueOptions& options) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  if (options.time_limit.count() > 0) {
    if (lost_ >= kMaxLostThreads) throw TooManyLost(lost_);
    if (!watchdog_.joinable()) watchdog_ = std::thread([this] { WatchTimeLimits(); });
  }
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
  deadlines_changed_.notify_all();
  return true;
}

Task* Executor::FindRunning(int64_t task_id) {
  const std::lock_guard lock(mutex_);
  for (const auto& worker : workers_) {
    if (worker->task && worker->options.task_id == task_id) return worker->task;
  }
  return nullptr;
}

void Executor::RequestAbort(int64_t task_id) {
  const std::lock_guard lock(mutex_);
  for (const auto& worker : workers_) {
    if (worker->task && worker->options.task_id == task_id) worker->is_aborted = true;
  }
}

std::vector<std::unique_ptr<Task>> Executor::Abandon(std::exception_ptr reason) {
  std::vector<std::unique_ptr<Task>> queued;
  const std::lock_guard lock(mutex_);
  for (auto& each : queue_) queued.push_back(std::move(each.task));
  queue_.clear();
  LoseRunning(reason);
  changed_.notify_all();
  return queued;
}

void Executor::Interrupt() {
  is_shutting_down_ = true;
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
  deadlines_changed_.notify_all();
}

void Executor::Shutdown(Clock::time_point deadline) { Stop(deadline); }

void Executor::ShutdownAtExit(Clock::time_point deadline) {
  new std::deque<QueuedTask>(Stop(deadline));
}

std::deque<Executor::QueuedTask> Executor::Stop(Clock::time_point deadline) {
  Interrupt();
  // The caller destroys the tasks, outside the lock.
  std::deque<QueuedTask> dropped;
  std::list<std::shared_ptr<Worker>> ending;
  {
    std::unique_lock lock(mutex_);
    dropped.swap(queue_);
    if (final_task_) dropped.push_back({{}, std::move(final_task_)});
    if (!changed_.wait_until(lock, deadline, [this] { return running_ == 0; })) {
      LoseRunning(std::make_exception_ptr(CanceledAtExit()));
    }
    ending.swap(workers_);
  }
  for (const auto& worker : ending) worker->thread->Join();
  if (watchdog_.joinable()) watchdog_.join();
  return dropped;
}

const Executor::CurrentTask& Executor::current_task() { return current; }

bool Executor::CurrentTask::IsCanceled() const {
  // In this order, because the executor of a lost task may no longer exist.
  return is_lost && (*is_lost || *is_shutting_down);
}

void Executor::CheckCanceled() {
  if (current.IsCanceled()) throw CanceledAtExit();
}

void Executor::StartThread() {
  auto worker = std::make_shared<Worker>();
  worker->thread.emplace([this, worker] { RunTasks(thread_count_, worker); });
  workers_.push_back(std::move(worker));
}

void Executor::RunTasks(int threads, const std::shared_ptr<Worker>& worker) {
  current = {&is_shutting_down_, &worker->is_lost, &worker->is_aborted, priority_};
  if (priority_ == Priority::kBackground) LowerPriority();
  kernels::SetThreadCount(threads > 0 ? threads : DefaultThreads());
  while (auto task = Next(*worker)) {
    if (!RunTask(std::move(task), *worker)) return;
  }
}

bool Executor::RunTask(std::unique_ptr<Task> task, Worker& worker) {
  auto* running = task.get();
  running->Run();
  bool is_lost = false;
  {
    const std::lock_guard lock(mutex_);
    worker.task = nullptr;
    is_lost = worker.is_lost;
    if (is_lost) lost_--;
  }
  running->Finish(std::move(task));
  if (is_lost) {
    LostThreads::OnEnded();
    return false;
  }
  const std::lock_guard lock(mutex_);
  OnTaskEnded();
  return true;
}

void Executor::OnTaskStarted() {
  running_++;
  has_run_idle_callbacks_ = false;
  if (priority_ == Priority::kNormal) ForegroundTasks::OnStarted();
}

void Executor::OnTaskEnded() {
  running_--;
  if (priority_ == Priority::kNormal) ForegroundTasks::OnEnded();
  if (closed_ || runs_exclusively_) changed_.notify_all();
  if (closed_) deadlines_changed_.notify_all();
  runs_exclusively_ = false;
}

void Executor::Lose(Worker& worker) {
  worker.is_lost = true;
  worker.thread->Detach();
  lost_++;
  LostThreads::OnLost();
  OnTaskEnded();
}

void Executor::LoseRunning(const std::exception_ptr& reason) {
  std::erase_if(workers_, [&](const std::shared_ptr<Worker>& worker) {
    if (!worker->task) return false;
    worker->task->Abandon(reason);
    Lose(*worker);
    return true;
  });
  if (is_shutting_down_) return;
  while (workers_.size() < instances_) StartThread();
}

void Executor::WatchTimeLimits() {
  std::unique_lock lock(mutex_);
  while (!closed_ || running_ > 0) {
    auto next = Clock::time_point::max();
    std::vector<std::shared_ptr<Worker>> overdue;
    for (const auto& worker : workers_) {
      if (!worker->task) continue;
      if (worker->deadline <= Clock::now())
        overdue.push_back(worker);
      else
        next = std::min(next, worker->deadline);
    }
    for (const auto& worker : overdue) {
      try {
        StartThread();
      } catch (const std::system_error&) {  // The process has too many threads.
        next = Clock::now() + kRetryThreadAfter;
        break;
      }
      worker->task->Abandon(std::make_exception_ptr(TimeLimitExceeded(worker->options)));
      Lose(*worker);
      workers_.remove(worker);
    }
    if (lost_ >= kMaxLostThreads) RefuseLimited();
    if (next == Clock::time_point::max())
      deadlines_changed_.wait(lock);
    else
      deadlines_changed_.wait_until(lock, next);
  }
}

void Executor::RefuseLimited() {
  std::erase_if(queue_, [this](QueuedTask& queued) {
    if (queued.options.time_limit.count() == 0) return false;
    auto* task = queued.task.get();
    task->Abandon(std::make_exception_ptr(TooManyLost(lost_)));
    task->Finish(std::move(queued.task));
    return true;
  });
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
  if (is_shutting_down_) return true;
  if (queue_.empty()) return closed_ && running_ == 0;
  return !runs_exclusively_ && (running_ == 0 || !queue_.front().options.is_exclusive);
}

std::unique_ptr<Task> Executor::Next(Worker& worker) {
  std::unique_lock lock(mutex_);
  const auto can_proceed = [this] { return CanProceed(); };
  if (!changed_.wait_for(lock, kReleaseThreadsAfter, can_proceed)) {
    lock.unlock();
    kernels::ReleaseThreads();
    lock.lock();
    const bool is_idle = !changed_.wait_for(lock, kIdleAfter, can_proceed);
    if (is_idle && !has_run_idle_callbacks_ && running_ == 0) RunIdleCallbacks(lock);
    changed_.wait(lock, can_proceed);
  }
  if (is_shutting_down_) return nullptr;
  std::unique_ptr<Task> task;
  worker.options = {};
  worker.is_aborted = false;
  if (queue_.empty()) {
    task = std::move(final_task_);
  } else {
    task = std::move(queue_.front().task);
    worker.options = queue_.front().options;
    runs_exclusively_ = worker.options.is_exclusive;
    queue_.pop_front();
  }
  worker.task = task.get();
  worker.deadline = Clock::time_point::max();
  if (worker.options.time_limit.count() > 0) {
    worker.deadline = Clock::now() + worker.options.time_limit;
    deadlines_changed_.notify_one();
  }
  if (task) OnTaskStarted();
  return task;
}

}  // namespace semisup
