#include "search/nearest.h"

#include <algorithm>
#include <string>

#include "kernels/buffer.h"
#include "kernels/search/top_rows.h"
#include "search/scan.h"

namespace semisup::search {
namespace {

using kernels::ScoredRow;
using kernels::TopRows;

// The queries that are compared with a block of rows while it is in the cache.
constexpr int64_t kQueriesPerScan = 32;

// The rows of all threads for one query, in the order of results.
std::vector<ScoredRow> Merge(const std::vector<std::vector<TopRows>>& tops, int64_t query) {
  std::vector<ScoredRow> merged;
  for (const auto& top : tops) {
    const auto& rows = top[query].rows();
    merged.insert(merged.end(), rows.begin(), rows.end());
  }
  std::sort(merged.begin(), merged.end(), &kernels::Precedes);
  return merged;
}

}  // namespace

Neighbors FindNearest(const VectorStore& store, const std::vector<const float*>& queries,
                      int64_t k) {
  const auto count = static_cast<int64_t>(queries.size());
  Neighbors neighbors{std::vector<int32_t>(count * k, -1), std::vector<float>(count * k)};
  kernels::Buffer<float> rows(std::min(count, kQueriesPerScan) * store.columns());
  for (int64_t first = 0; first < count; first += kQueriesPerScan) {
    const int64_t group = std::min(kQueriesPerScan, count - first);
    for (int64_t q = 0; q < group; q++) {
      if (!store.Normalize(queries[first + q], rows.data() + q * store.columns())) {
        throw Error("ERR_SEMISUP_OPTION_VALUE",
                    "Expected finite numbers for the elements of a query, but query " +
                        std::to_string(first + q) + " has others.");
      }
    }
    std::vector<std::vector<TopRows>> tops(kernels::ThreadCount(),
                                           std::vector<TopRows>(group, TopRows(k)));
    Scan(store, 0, store.rows(), {rows.data(), group},
         [&](const RowBlock& block, const float* products, int64_t thread) {
           for (int64_t q = 0; q < group; q++) {
             auto& top = tops[thread][q];
             const float* scores = products + q * block.count;
             for (int64_t r = 0; r < block.count; r++) {
               if (!top.Accepts(scores[r]) || !store.IsLive(block.first + r)) continue;
               top.Add({scores[r], static_cast<int32_t>(block.first + r)});
             }
           }
         });
    for (int64_t q = 0; q < group; q++) {
      const auto merged = Merge(tops, q);
      const auto found = std::min(k, static_cast<int64_t>(merged.size()));
      for (int64_t i = 0; i < found; i++) {
        const int64_t at = (first + q) * k + i;
        neighbors.rows[at] = merged[i].row;
        // Beyond 1 by rounding only.
        neighbors.scores[at] = std::clamp(merged[i].score, -1.0F, 1.0F);
      }
    }
  }
  return neighbors;
}

}  // namespace semisup::search
