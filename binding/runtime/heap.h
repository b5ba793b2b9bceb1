#pragma once

namespace semisup {

// Returns freed heap pages to the system. The C library retains the memory of freed weights and
// activations in the arenas of the threads that allocated it: without this the process grows as
// models are loaded and closed.
void ReturnFreedMemory();

}  // namespace semisup
