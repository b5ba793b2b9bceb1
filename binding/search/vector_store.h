#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/dtype.h"
#include "engine/mapped_file.h"

namespace semisup::search {

// Successive rows in memory.
struct RowBlock {
  const char* data;
  int64_t first;
  int64_t count;
};

// Vectors of length 1, or 0, as rows that are aligned to cache lines and padded with zeros. Rows
// are appended, and removed by a mark: their data do not change. The first may be those of a mapped
// file. Not thread-safe: the executor that uses it runs one task at a time.
class VectorStore {
 public:
  // `dtype`: kFloat32 or kBFloat16.
  VectorStore(engine::DType dtype, int64_t dimensions);
  // With the rows of a file, from `offset` on, which must be aligned. Throws std::invalid_argument
  // if the file is too short.
  VectorStore(engine::DType dtype, int64_t dimensions, engine::MappedFile file, int64_t offset,
              int64_t rows);

  engine::DType dtype() const { return dtype_; }
  int64_t dimensions() const { return dimensions_; }
  // The elements of a row with its padding.
  int64_t columns() const { return columns_; }
  int64_t row_bytes() const { return columns_ * engine::SizeOf(dtype_); }
  // With those that are removed.
  int64_t rows() const { return static_cast<int64_t>(is_live_.size()); }
  int64_t live_rows() const { return live_rows_; }
  bool IsLive(int64_t row) const { return is_live_[row]; }
  // Of the rows that are not in a file.
  int64_t bytes() const { return (rows() - mapped_rows_) * row_bytes(); }

  // Normalizes and appends vectors. If one has an element that is infinite or NaN, appends none,
  // and returns its index.
  std::optional<int64_t> Append(const std::vector<const float*>& vectors);
  // Removing a row again has no effect.
  void Remove(const std::vector<int64_t>& rows);
  // Copies the rows that are not removed, in their order, which numbers them anew, and releases the
  // memory of the others, and the file.
  void Compact();
  // Copies `count` rows to `target`.
  void Read(int64_t first, int64_t count, char* target) const;
  const char* Row(int64_t row) const;

  // The rows of [first, end), in blocks of at most `block_rows`.
  std::vector<RowBlock> Blocks(int64_t first, int64_t end, int64_t block_rows) const;
  // The number of rows that are in the L2 cache beside a few queries.
  int64_t RowsPerBlock() const;

  // Writes a vector, normalized, as a row of float32. Returns false if it has an element that is
  // infinite or NaN.
  bool Normalize(const float* vector, float* row) const;

 private:
  struct Segment {
    std::shared_ptr<const void> owner;
    char* data;
    int64_t first;
    int64_t rows;
    int64_t capacity;
  };

  const Segment& SegmentOf(int64_t row) const;
  // Memory for the next row.
  char* AppendRow();

  engine::DType dtype_;
  int64_t dimensions_;
  int64_t columns_;
  std::vector<Segment> segments_;
  int64_t mapped_rows_ = 0;
  int64_t live_rows_ = 0;
  std::vector<bool> is_live_;
};

}  // namespace semisup::search
