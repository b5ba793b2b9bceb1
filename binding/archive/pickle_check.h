#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace semisup {

struct PickleContext {
  // The size in bytes of the record of a storage, by the storage's key; nullopt if there is none.
  std::function<std::optional<uint64_t>(std::string_view key)> storage_size;
  // The most bytes that all storages may have together: LibTorch reads a storage once more each
  // time that a pickle names it.
  uint64_t max_storage_bytes;
  // If set, called with each class or function that is not a fixed part of the format.
  std::function<void(std::string_view qualified_name)> on_class = nullptr;
  // If set, called with each type of a list or dict, e.g. `Dict[str, int]`.
  std::function<void(std::string_view type)> on_type = nullptr;
  // If set, called for a sparse tensor, whose indices nothing checks.
  std::function<void()> on_sparse = nullptr;
};

// Interprets a pickle as LibTorch's unpickler would, without creating its values, and throws
// PickleError for what that unpickler does not check: lengths, indices, empty stacks, tensors
// beyond their storage, values nested so deeply that destroying them overflows the stack, and
// shared values that a traversal visits too often.
void CheckPickle(std::string_view pickle, const PickleContext& context);

}  // namespace semisup
