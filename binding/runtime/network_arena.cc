#include "runtime/network_arena.h"

#include <cstdint>
#include <optional>

#include "runtime/environment.h"

namespace semisup {
namespace {

constexpr const char* kUsage = "Arena";

}  // namespace

void DeclareArenas(Napi::Env env) { Environment::Of(env).UsageOf(kUsage); }

std::shared_ptr<engine::Arena> CreateArena(Napi::Env env, Executor& executor,
                                           size_t max_cached_bytes) {
  auto arena = std::make_shared<engine::Arena>(max_cached_bytes);
  const std::weak_ptr weak(arena);
  Environment::Of(env).ReportUsage(kUsage, [weak]() -> std::optional<int64_t> {
    const auto live = weak.lock();
    if (!live) return std::nullopt;
    return static_cast<int64_t>(live->bytes());
  });
  executor.OnIdle([weak] {
    if (const auto live = weak.lock()) live->Trim();
  });
  return arena;
}

}  // namespace semisup
