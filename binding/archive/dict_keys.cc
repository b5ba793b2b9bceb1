#include "archive/dict_keys.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

namespace semisup {
namespace {

// As in c10/util/order_preserving_flat_hash_map.h: 2^64 divided by the golden ratio.
constexpr uint64_t kGoldenRatio = 11400714819323198485u;
constexpr int kMinLookups = 4;
constexpr uint64_t kSlotsPerKey = 8;

// Whether a table with `1 << log2_slots` slots holds the keys without growing. `places` are sorted.
bool Fits(std::span<const uint64_t> places, int log2_slots) {
  const auto max_distance = static_cast<uint64_t>(std::max(kMinLookups, log2_slots));
  uint64_t free = 0;
  for (const auto place : places) {
    const uint64_t wanted = place >> (64 - log2_slots);
    free = std::max(free, wanted);
    if (free - wanted >= max_distance) return false;
    free++;
  }
  return true;
}

}  // namespace

bool DictKeys::HaveOversizedTable() {
  std::ranges::sort(keys_, {}, &Key::dict);
  std::vector<uint64_t> places;
  for (auto begin = keys_.begin(); begin != keys_.end();) {
    const auto end = std::ranges::find_if(
        begin, keys_.end(), [dict = begin->dict](const Key& key) { return key.dict != dict; });
    places.clear();
    std::transform(begin, end, std::back_inserter(places),
                   [](const Key& key) { return key.hash * kGoldenRatio; });
    std::ranges::sort(places);
    const auto log2_slots = std::bit_width(std::bit_ceil(kSlotsPerKey * places.size())) - 1;
    if (!Fits(places, static_cast<int>(log2_slots))) return true;
    begin = end;
  }
  return false;
}

}  // namespace semisup
