#include "runtime/foreground_tasks.h"

#include <atomic>

namespace semisup {
namespace {

std::atomic<size_t> running_tasks = 0;
std::atomic<uint64_t> started_tasks = 0;

}  // namespace

void ForegroundTasks::OnStarted() {
  running_tasks++;
  started_tasks++;
}

void ForegroundTasks::OnEnded() { running_tasks--; }

size_t ForegroundTasks::running() { return running_tasks; }

uint64_t ForegroundTasks::started() { return started_tasks; }

}  // namespace semisup
