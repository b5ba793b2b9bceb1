#pragma once

namespace semisup {

// Lets the calling thread, and on Linux those that it starts, compute where cores are idle. On a
// machine whose cores are all busy, such a thread releases a lock late: it must hold those that
// others wait for only during short work.
void LowerPriority();

}  // namespace semisup
