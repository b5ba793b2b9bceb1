#include "executor.h"

#include <ATen/Parallel.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include <algorithm>
#include <chrono>
#include <utility>

#include "environment.h"
#include "handle.h"
#include "memory.h"

namespace semisup {
namespace {

constexpr std::chrono::milliseconds kPause{200};
constexpr std::chrono::seconds kIdle{5};

// Ends the threads that OpenMP keeps for this one. While there are more of them than cores, idle
// ones of other models included, OpenMP no longer lets threads spin at all, and one image takes a
// sixth longer.
void ReleaseThreads() {
#ifdef _OPENMP
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
    for (int i = 0; i < instances; i++) threads_.emplace_back([this, threads] { Loop(threads); });
  } catch (...) {
    Abandon();
    throw;
  }
}

Executor::~Executor() { Abandon(); }

bool Executor::Push(std::unique_ptr<Task>& task, int64_t ticket) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  queue_.push_back({ticket, std::move(task)});
  changed_.notify_one();
  return true;
}

std::unique_ptr<Task> Executor::Take(int64_t ticket) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(queue_.begin(), queue_.end(), [ticket](const Waiting& waiting) {
    return waiting.ticket == ticket;
  });
  if (found == queue_.end()) return nullptr;
  auto task = std::move(found->task);
  queue_.erase(found);
  changed_.notify_all();
  return task;
}

bool Executor::Close(std::unique_ptr<Task>& last) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  closed_ = true;
  last_ = std::move(last);
  changed_.notify_all();
  return true;
}

void Executor::Abandon() {
  std::deque<Waiting> dropped;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(queue_);
    if (last_) dropped.push_back({0, std::move(last_)});
    changed_.notify_all();
  }
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Executor::Loop(int threads) {
  // OpenMP keeps its number of threads per calling thread, but LibTorch takes the number that was
  // set last anywhere as the default of threads to come: so it is set here always.
  // This library has a first time of its own for it, which would undo what is set.
  at::internal::lazy_init_num_threads();
  at::get_num_threads();
  at::set_num_threads(threads > 0 ? threads : DefaultThreads());
  while (auto task = Next()) {
    auto* running = task.get();
    running->Run(std::move(task));
    const std::lock_guard lock(mutex_);
    running_--;
    if (closed_) changed_.notify_all();
  }
}

void Executor::WhenIdle(std::function<void()> rest) {
  const std::lock_guard lock(mutex_);
  rests_.push_back(std::move(rest));
}

void Executor::Rest(std::unique_lock<std::mutex>& lock) {
  has_rested_ = true;
  const auto rests = rests_;
  lock.unlock();
  for (const auto& rest : rests) rest();
  if (!rests.empty()) ReturnFreedMemory();
  lock.lock();
}

std::unique_ptr<Task> Executor::Next() {
  std::unique_lock lock(mutex_);
  const auto is_ready = [this] { return !queue_.empty() || (closed_ && running_ == 0); };
  if (!changed_.wait_for(lock, kPause, is_ready)) {
    lock.unlock();
    ReleaseThreads();
    lock.lock();
    const bool is_idle = !changed_.wait_for(lock, kIdle, is_ready);
    if (is_idle && !has_rested_ && running_ == 0) Rest(lock);
    changed_.wait(lock, is_ready);
  }
  auto task = queue_.empty() ? std::move(last_) : std::move(queue_.front().task);
  if (!queue_.empty()) queue_.pop_front();
  if (task) {
    running_++;
    has_rested_ = false;
  }
  return task;
}

Napi::Value CreateExecutor(const Napi::CallbackInfo& info) {
  auto executor = std::make_shared<Executor>(info[0].As<Napi::Number>().Int32Value(),
                                             info[1].As<Napi::Number>().Int32Value());
  Environment::Of(info.Env()).Register(executor);
  return Wrap(info.Env(), std::move(executor));
}

}  // namespace semisup
