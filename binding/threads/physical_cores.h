#pragma once
#include <cstdint>

namespace semisup::threads {

// The number of physical cores that the process may run on; of logical ones where the system does
// not tell.
int64_t PhysicalCores();

}  // namespace semisup::threads
