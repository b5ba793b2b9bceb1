#include "kernels/elementwise/concatenation.h"

#include <cstring>

#include "kernels/parallel.h"

namespace semisup::kernels {

void Concatenate(const std::vector<ConcatenationSource>& sources, int64_t rows, void* output) {
  // For fewer bytes, another thread takes longer to start than to copy them.
  constexpr int64_t kMinBytes = 64 << 10;
  size_t row_bytes = 0;
  for (const auto& source : sources) row_bytes += source.row_bytes;
  const int64_t min_rows = kMinBytes / static_cast<int64_t>(row_bytes + 1);
  ParallelFor(rows, min_rows, [&](int64_t begin, int64_t end, int64_t) {
    auto* at = static_cast<char*>(output) + static_cast<size_t>(begin) * row_bytes;
    for (auto row = static_cast<size_t>(begin); row < static_cast<size_t>(end); row++) {
      for (const auto& [data, bytes] : sources) {
        std::memcpy(at, static_cast<const char*>(data) + row * bytes, bytes);
        at += bytes;
      }
    }
  });
}

}  // namespace semisup::kernels
