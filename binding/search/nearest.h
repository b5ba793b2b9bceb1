#pragma once
#include <cstdint>
#include <vector>

#include "search/vector_store.h"

namespace semisup::search {

// The nearest rows of each of several queries, best first.
struct Neighbors {
  // [queries, k]; -1 after the last row of a query that has fewer.
  std::vector<int32_t> rows;
  // Cosines.
  std::vector<float> scores;
};

// Finds the `k` rows with the largest cosines, by comparing all. Of equal cosines, the lower row
// comes first. Throws ERR_SEMISUP_OPTION_VALUE if a query is infinite or NaN.
Neighbors FindNearest(const VectorStore& store, const std::vector<const float*>& queries,
                      int64_t k);

}  // namespace semisup::search
