#pragma once
#include <napi.h>

#include <cstddef>
#include <memory>

#include "engine/arena.h"
#include "runtime/executor.h"

namespace semisup {

// Lists arenas in memory() even while there are none.
void DeclareArenas(Napi::Env env);
// An arena for a network that runs on an executor: memory() counts it, and it returns its cached
// memory to the system while the executor is idle.
std::shared_ptr<engine::Arena> CreateArena(
    Napi::Env env, Executor& executor, size_t max_cached_bytes = engine::kDefaultMaxCachedBytes);

}  // namespace semisup
