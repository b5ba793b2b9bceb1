#pragma once
#include <napi.h>

#include <map>
#include <memory>
#include <string>

namespace semisup {

// What one kind of native object holds at present. Used on the JS thread alone.
struct Usage {
  int64_t count = 0;
  int64_t bytes = 0;
};

using UsageByKind = std::map<std::string, std::shared_ptr<Usage>>;

// The C library keeps what weights and activations took, spread over the heaps of the threads that
// made them; where models come and go the process would grow by that.
void ReturnFreedMemory();

Napi::Value Memory(const Napi::CallbackInfo& info);

}  // namespace semisup
