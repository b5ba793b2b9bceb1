#pragma once

namespace semisup {

// Lowers the priority of the calling thread, and of threads that it starts on Linux: it gets about
// a tenth of a core while other threads need all of them. More would not be safe: what waits for a
// lock that such a thread holds waits for long.
void LowerPriority();

}  // namespace semisup
