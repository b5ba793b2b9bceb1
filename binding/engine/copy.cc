#include "engine/copy.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "kernels/parallel.h"

namespace semisup::engine {
namespace {

// From the outermost to the innermost in the destination; those that are adjacent on both sides are
// one.
std::vector<CopiedDimension> Merged(std::vector<CopiedDimension> dimensions) {
  std::erase_if(dimensions, [](const auto& one) { return one.size == 1; });
  std::stable_sort(dimensions.begin(), dimensions.end(), [](const auto& a, const auto& b) {
    return a.destination_stride > b.destination_stride;
  });
  std::vector<CopiedDimension> merged;
  for (const auto& inner : dimensions) {
    const bool is_adjacent =
        !merged.empty() && merged.back().source_stride == inner.size * inner.source_stride &&
        merged.back().destination_stride == inner.size * inner.destination_stride;
    if (is_adjacent) {
      merged.back() = {merged.back().size * inner.size, inner.source_stride,
                       inner.destination_stride};
    } else {
      merged.push_back(inner);
    }
  }
  if (merged.empty()) merged.push_back({1, 1, 1});
  return merged;
}

template <class T>
void CopyRow(const T* source, T* destination, const CopiedDimension& row) {
  if (row.source_stride == 1 && row.destination_stride == 1) {
    std::memcpy(destination, source, static_cast<size_t>(row.size) * sizeof(T));
    return;
  }
  for (int64_t i = 0; i < row.size; i++) {
    destination[i * row.destination_stride] = source[i * row.source_stride];
  }
}

template <class T>
void Copy(const T* source, T* destination, const std::vector<CopiedDimension>& dimensions) {
  const auto& row = dimensions.back();
  const auto outer_end = dimensions.end() - 1;
  const int64_t rows =
      std::accumulate(dimensions.begin(), outer_end, int64_t{1},
                      [](int64_t product, const auto& one) { return product * one.size; });
  kernels::ParallelFor(rows, kernels::GrainOfRows(row.size),
                       [&](int64_t begin, int64_t end, int64_t) {
                         for (int64_t i = begin; i < end; i++) {
                           const T* from = source;
                           T* to = destination;
                           int64_t index = i;
                           for (auto one = outer_end; one-- != dimensions.begin();) {
                             from += index % one->size * one->source_stride;
                             to += index % one->size * one->destination_stride;
                             index /= one->size;
                           }
                           CopyRow(from, to, row);
                         }
                       });
}

}  // namespace

void CopyElements(const void* source, void* destination, DType dtype,
                  std::vector<CopiedDimension> dimensions) {
  const auto merged = Merged(std::move(dimensions));
  WithElements(dtype, [&]<class T>(T*) {
    Copy(static_cast<const T*>(source), static_cast<T*>(destination), merged);
  });
}

}  // namespace semisup::engine
