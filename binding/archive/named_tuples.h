#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace semisup {

// The NamedTuple types of an archive. LibTorch compares and prints them by their parts, twice for
// each tuple inside another, so the time grows exponentially with the depth.
class NamedTuples {
 public:
  static constexpr uint64_t kMaxParts = uint64_t{1} << 14;

  void Define(const std::string& name);
  // Ignored unless both are named tuples.
  void Refer(const std::string& from, const std::string& to);
  // The name of a tuple with more than kMaxParts parts. Recurses as deep as tuples are nested.
  std::optional<std::string> FindTooLarge();

 private:
  struct Tuple {
    std::vector<std::string> parts;
    // 0 while it is not known.
    uint64_t count = 0;
    bool is_counting = false;
  };

  uint64_t Count(Tuple& tuple);

  std::unordered_map<std::string, Tuple> tuples_;
};

}  // namespace semisup
