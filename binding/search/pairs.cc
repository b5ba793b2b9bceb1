#include "search/pairs.h"

#include <algorithm>
#include <mutex>
#include <type_traits>
#include <utility>

#include "kernels/buffer.h"
#include "search/scan.h"

namespace semisup::search {
namespace {

void CopyRow(const VectorStore& store, int64_t row, float* target) {
  engine::WithElements(store.dtype(), [&]<class T>(T*) {
    if constexpr (!std::is_same_v<T, uint8_t>) {
      const auto* elements = reinterpret_cast<const T*>(store.Row(row));
      std::transform(elements, elements + store.columns(), target,
                     [](T element) { return kernels::ToFloat(element); });
    }
  });
}

int32_t RootOf(int32_t* parents, int32_t row) {
  while (parents[row] != row) {
    // Halves the path.
    parents[row] = parents[parents[row]];
    row = parents[row];
  }
  return row;
}

void Unite(int32_t* parents, int32_t a, int32_t b) {
  const auto [low, high] = std::minmax({RootOf(parents, a), RootOf(parents, b)});
  parents[high] = low;
}

}  // namespace

void UnitePairs(const VectorStore& store, const kernels::Range& panel, int64_t end, float threshold,
                int32_t* parents) {
  kernels::Buffer<float> rows(panel.count * store.columns());
  for (int64_t i = 0; i < panel.count; i++) {
    CopyRow(store, panel.first + i, rows.data() + i * store.columns());
  }
  std::mutex mutex;
  Scan(store, panel.first, end, {rows.data(), panel.count},
       [&](const RowBlock& block, const float* products, int64_t) {
         std::vector<std::pair<int32_t, int32_t>> pairs;
         for (int64_t i = 0; i < panel.count; i++) {
           const int64_t row = panel.first + i;
           if (!store.IsLive(row)) continue;
           const float* scores = products + i * block.count;
           for (int64_t r = std::max<int64_t>(0, row + 1 - block.first); r < block.count; r++) {
             if (scores[r] >= threshold && store.IsLive(block.first + r)) {
               pairs.emplace_back(row, block.first + r);
             }
           }
         }
         const std::lock_guard lock(mutex);
         for (const auto& [a, b] : pairs) Unite(parents, a, b);
       });
}

std::vector<float> CompareRows(const VectorStore& store, const std::vector<int32_t>& a,
                               const std::vector<int32_t>& b) {
  std::vector<float> scores(a.size());
  kernels::Buffer<float> query(store.columns());
  for (size_t i = 0; i < a.size(); i++) {
    CopyRow(store, a[i], query.data());
    engine::WithElements(store.dtype(), [&]<class T>(T*) {
      if constexpr (!std::is_same_v<T, uint8_t>) {
        kernels::RunDotRows(kernels::DotRows<T>{query.data(),
                                                reinterpret_cast<const T*>(store.Row(b[i])),
                                                &scores[i], 1, 1, store.columns()});
      }
    });
    scores[i] = std::clamp(scores[i], -1.0F, 1.0F);
  }
  return scores;
}

}  // namespace semisup::search
