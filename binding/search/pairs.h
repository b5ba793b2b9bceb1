#pragma once
#include <cstdint>
#include <vector>

#include "kernels/partition.h"
#include "search/vector_store.h"

namespace semisup::search {

// Compares the rows `panel` with all rows after each, below `end`, and unites the groups of those
// whose cosine is at least `threshold`. `parents`, [end], is a forest: a row is in the group of its
// parent, which is a lower row, or itself.
void UnitePairs(const VectorStore& store, const kernels::Range& panel, int64_t end, float threshold,
                int32_t* parents);

// The cosine of each row of `a` with the row of `b` at the same index.
std::vector<float> CompareRows(const VectorStore& store, const std::vector<int32_t>& a,
                               const std::vector<int32_t>& b);

}  // namespace semisup::search
