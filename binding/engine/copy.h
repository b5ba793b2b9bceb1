#pragma once
#include <cstdint>
#include <vector>

#include "engine/dtype.h"

namespace semisup::engine {

// A dimension of elements that are copied, with the distances between them.
struct CopiedDimension {
  int64_t size;
  int64_t source_stride;
  int64_t destination_stride;
};

// Copies elements on all threads.
void CopyElements(const void* source, void* destination, DType dtype,
                  std::vector<CopiedDimension> dimensions);

}  // namespace semisup::engine
