#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace semisup::kernels {

// A matrix of `row_bytes` bytes per row, without gaps.
struct ConcatenationSource {
  const void* data;
  size_t row_bytes;
};

// Concatenates the rows of matrices of `rows` rows: NHWC images along their channels.
void Concatenate(const std::vector<ConcatenationSource>& sources, int64_t rows, void* output);

}  // namespace semisup::kernels
