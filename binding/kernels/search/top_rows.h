#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace semisup::kernels {

struct ScoredRow {
  float score;
  int32_t row;
};

// The order of results: of equal scores, the lower row comes first.
inline bool Precedes(const ScoredRow& a, const ScoredRow& b) {
  return a.score == b.score ? a.row < b.row : a.score > b.score;
}

// The first `k` of the rows that are added, in the order of results. Rows with NaN are ignored.
class TopRows {
 public:
  explicit TopRows(int64_t k) : k_(static_cast<size_t>(k)) { heap_.reserve(k_); }

  // Whether Add() may have an effect.
  bool Accepts(float score) const {
    return heap_.size() < k_ || (k_ > 0 && score >= heap_.front().score);
  }

  void Add(const ScoredRow& added) {
    if (added.score != added.score) return;
    if (heap_.size() == k_) {
      if (k_ == 0 || !Precedes(added, heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end(), &Precedes);
      heap_.back() = added;
    } else {
      heap_.push_back(added);
    }
    std::push_heap(heap_.begin(), heap_.end(), &Precedes);
  }

  const std::vector<ScoredRow>& rows() const { return heap_; }

 private:
  size_t k_;
  // The last in the order of results is at the front.
  std::vector<ScoredRow> heap_;
};

}  // namespace semisup::kernels
