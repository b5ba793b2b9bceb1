#pragma once
#include <napi.h>

#include <deque>
#include <memory>
#include <mutex>

namespace semisup {

// An operation that has finished on another thread and whose outcome has not been delivered yet.
// Its destructor runs on the JS thread.
class Completion {
 public:
  virtual ~Completion() = default;
  // Delivers the outcome to JavaScript.
  virtual void Settle(Napi::Env env) = 0;
};

// The queue through which executors pass finished operations to the JS thread.
class Completions {
 public:
  // `drain` runs on the JS thread and must empty the queue with TakeAll().
  Completions(Napi::Env env, Napi::Function drain);
  // Thread-safe. After Close() the operation stays queued until DropAll(), because only the JS
  // thread may destroy it.
  void Push(std::unique_ptr<Completion> completion);

  // JS thread only, from here on.
  std::deque<std::unique_ptr<Completion>> TakeAll();
  void Ref(Napi::Env env) { wake_.Ref(env); }
  void Unref(Napi::Env env) { wake_.Unref(env); }
  // Stops waking the JS thread. Idempotent.
  void Close();
  void DropAll();

 private:
  std::mutex mutex_;
  std::deque<std::unique_ptr<Completion>> finished_;
  bool closed_ = false;
  Napi::ThreadSafeFunction wake_;
};

}  // namespace semisup
