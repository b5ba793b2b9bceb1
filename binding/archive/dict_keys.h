#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace semisup {

// The keys of an archive's dicts, by their hashes. LibTorch's dict, a hash table with linear
// probing, doubles until no key is further from its place than the logarithm of the table's size:
// 30 keys whose hashes begin with the same 36 bits make it ask for terabytes.
class DictKeys {
 public:
  void Add(size_t dict, uint64_t hash) { keys_.push_back({dict, hash}); }
  // Whether the table of a dict would have more than eight slots for each of its keys, rounded up
  // to a power of two. Usual ones have two to four.
  bool HaveOversizedTable();

 private:
  struct Key {
    size_t dict;
    uint64_t hash;
  };

  std::vector<Key> keys_;
};

}  // namespace semisup
