#include "runtime/completions.h"

#include <utility>

namespace semisup {

Completions::Completions(Napi::Env env, Napi::Function drain)
    : wake_(Napi::ThreadSafeFunction::New(env, drain, "semisup", /*maxQueueSize=*/0,
                                          /*initialThreadCount=*/1)) {
  wake_.Unref(env);
}

void Completions::Push(std::unique_ptr<Completion> completion) {
  const std::lock_guard lock(mutex_);
  finished_.push_back(std::move(completion));
  // One wake-up is enough for everything that is queued before the JS thread runs.
  if (!closed_ && finished_.size() == 1) wake_.NonBlockingCall();
}

std::deque<std::unique_ptr<Completion>> Completions::TakeAll() {
  const std::lock_guard lock(mutex_);
  return std::exchange(finished_, {});
}

void Completions::Close() {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  closed_ = true;
  wake_.Release();
}

void Completions::DropAll() { TakeAll().clear(); }

}  // namespace semisup
