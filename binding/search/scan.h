#pragma once
#include <atomic>
#include <cstdint>
#include <vector>

#include "kernels/parallel.h"
#include "kernels/search/dot_rows.h"
#include "runtime/error.h"
#include "runtime/executor.h"
#include "search/vector_store.h"

namespace semisup::search {

// Queries as rows of float32, padded like those of the store.
struct Queries {
  const float* rows;
  int64_t count;
};

// Calls body(block, products, thread), in parallel, for each block of the rows of [first, end),
// with the products [queries, rows of the block]. Threads take the next block when they have
// finished one, so that one that the system delays takes fewer. Throws ERR_SEMISUP_CANCELED if the
// task is aborted.
template <class Body>
void Scan(const VectorStore& store, int64_t first, int64_t end, const Queries& queries,
          const Body& body) {
  const auto blocks = store.Blocks(first, end, store.RowsPerBlock());
  const auto& task = Executor::current_task();
  std::atomic<size_t> next = 0;
  const auto scan = [&](int64_t, int64_t, int64_t thread) {
    std::vector<float> products(queries.count * store.RowsPerBlock());
    for (size_t i = next++; i < blocks.size(); i = next++) {
      if (task.IsAborted() || task.IsCanceled()) {
        throw Error("ERR_SEMISUP_CANCELED", "The search was aborted.");
      }
      const auto& block = blocks[i];
      engine::WithElements(store.dtype(), [&]<class T>(T*) {
        if constexpr (!std::is_same_v<T, uint8_t>) {
          kernels::RunDotRows(
              kernels::DotRows<T>{queries.rows, reinterpret_cast<const T*>(block.data),
                                  products.data(), queries.count, block.count, store.columns()});
        }
      });
      body(block, products.data(), thread);
    }
  };
  const auto threads = std::min(kernels::ThreadCount(), static_cast<int64_t>(blocks.size()));
  kernels::ParallelFor(threads, 1, scan);
}

}  // namespace semisup::search
