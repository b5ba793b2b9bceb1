#include "search/vector_store.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

#include "engine/aligned_memory.h"
#include "kernels/bfloat16/round.h"
#include "kernels/parallel.h"
#include "kernels/search/dot_rows.h"

namespace semisup::search {
namespace {

constexpr int64_t kSegmentBytes = 16 << 20;
constexpr int64_t kBlockBytes = 256 << 10;
// Row numbers are int32.
constexpr int64_t kMaxRows = std::numeric_limits<int32_t>::max();

int64_t PaddedColumns(engine::DType dtype, int64_t dimensions) {
  const int64_t line = kernels::kCacheLineBytes / engine::SizeOf(dtype);
  return kernels::CeilDiv(dimensions, line) * line;
}

}  // namespace

VectorStore::VectorStore(engine::DType dtype, int64_t dimensions)
    : dtype_(dtype), dimensions_(dimensions), columns_(PaddedColumns(dtype, dimensions)) {}

VectorStore::VectorStore(engine::DType dtype, int64_t dimensions, engine::MappedFile file,
                         int64_t offset, int64_t rows)
    : VectorStore(dtype, dimensions) {
  const auto bytes = static_cast<int64_t>(file.bytes);
  if (offset < 0 || offset % kernels::kCacheLineBytes != 0 || offset > bytes || rows < 0 ||
      rows > kMaxRows || rows > (bytes - offset) / row_bytes()) {
    throw std::invalid_argument("it is truncated");
  }
  if (rows == 0) return;
  // Not written to: memory for rows is of other segments.
  char* data = const_cast<char*>(file.data) + offset;
  segments_.push_back({std::move(file.owner), data, 0, rows, rows});
  is_live_.assign(rows, true);
  mapped_rows_ = live_rows_ = rows;
}

bool VectorStore::Normalize(const float* vector, float* row) const {
  double sum = 0;
  for (int64_t c = 0; c < dimensions_; c++) sum += double{vector[c]} * vector[c];
  if (!std::isfinite(sum)) return false;
  const double factor = sum > 0 ? 1 / std::sqrt(sum) : 0;
  for (int64_t c = 0; c < dimensions_; c++) row[c] = static_cast<float>(vector[c] * factor);
  std::fill(row + dimensions_, row + columns_, 0.0F);
  return true;
}

std::optional<int64_t> VectorStore::Append(const std::vector<const float*>& vectors) {
  const int64_t first = rows();
  const auto count = static_cast<int64_t>(vectors.size());
  if (count > kMaxRows - first) throw std::length_error("The index has too many vectors.");
  std::vector<char*> targets;
  const auto mark = segments_.size();
  const int64_t last_rows = segments_.empty() ? 0 : segments_.back().rows;
  const auto undo = [&] {
    segments_.resize(mark);
    if (mark > 0) segments_.back().rows = last_rows;
    is_live_.resize(first);
  };
  std::atomic<int64_t> invalid{count};
  try {
    targets.reserve(count);
    for (int64_t i = 0; i < count; i++) targets.push_back(AppendRow());
    kernels::ParallelFor(count, 16, [&](int64_t begin, int64_t end, int64_t) {
      std::vector<float> row(columns_);
      for (int64_t i = begin; i < end; i++) {
        if (!Normalize(vectors[i], row.data())) {
          int64_t lowest = invalid;
          while (i < lowest && !invalid.compare_exchange_weak(lowest, i)) {
          }
        } else if (dtype_ == engine::DType::kFloat32) {
          std::memcpy(targets[i], row.data(), row_bytes());
        } else {
          auto* rounded = reinterpret_cast<kernels::BFloat16*>(targets[i]);
          std::transform(row.begin(), row.end(), rounded, &kernels::RoundToBFloat16);
        }
      }
    });
  } catch (...) {
    undo();
    throw;
  }
  if (invalid < count) {
    undo();
    return invalid;
  }
  live_rows_ += count;
  return std::nullopt;
}

void VectorStore::Remove(const std::vector<int64_t>& rows) {
  for (const int64_t row : rows) {
    if (!is_live_[row]) continue;
    is_live_[row] = false;
    live_rows_--;
  }
}

void VectorStore::Compact() {
  VectorStore compact(dtype_, dimensions_);
  for (const auto& block : Blocks(0, rows(), RowsPerBlock())) {
    for (int64_t i = 0; i < block.count; i++) {
      if (!IsLive(block.first + i)) continue;
      std::memcpy(compact.AppendRow(), block.data + i * row_bytes(), row_bytes());
    }
  }
  compact.live_rows_ = live_rows_;
  *this = std::move(compact);
}

void VectorStore::Read(int64_t first, int64_t count, char* target) const {
  for (const auto& block : Blocks(first, first + count, count)) {
    std::memcpy(target + (block.first - first) * row_bytes(), block.data,
                block.count * row_bytes());
  }
}

const char* VectorStore::Row(int64_t row) const {
  const auto& segment = SegmentOf(row);
  return segment.data + (row - segment.first) * row_bytes();
}

std::vector<RowBlock> VectorStore::Blocks(int64_t first, int64_t end, int64_t block_rows) const {
  std::vector<RowBlock> blocks;
  while (first < end) {
    const auto& segment = SegmentOf(first);
    const int64_t count = std::min({block_rows, end - first, segment.first + segment.rows - first});
    blocks.push_back({segment.data + (first - segment.first) * row_bytes(), first, count});
    first += count;
  }
  return blocks;
}

int64_t VectorStore::RowsPerBlock() const {
  return std::max<int64_t>(1, kBlockBytes / row_bytes());
}

const VectorStore::Segment& VectorStore::SegmentOf(int64_t row) const {
  const auto after =
      std::upper_bound(segments_.begin(), segments_.end(), row,
                       [](int64_t value, const Segment& segment) { return value < segment.first; });
  return *std::prev(after);
}

char* VectorStore::AppendRow() {
  if (segments_.empty() || segments_.back().rows == segments_.back().capacity) {
    const int64_t capacity = std::max<int64_t>(1, kSegmentBytes / row_bytes());
    const std::shared_ptr<void> memory(
        engine::AllocateAligned(static_cast<size_t>(capacity * row_bytes())), &engine::FreeAligned);
    segments_.push_back({memory, static_cast<char*>(memory.get()), rows(), 0, capacity});
  }
  is_live_.push_back(true);
  auto& segment = segments_.back();
  return segment.data + segment.rows++ * row_bytes();
}

}  // namespace semisup::search
