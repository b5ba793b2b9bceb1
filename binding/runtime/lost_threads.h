#pragma once

namespace semisup {

// The threads that still run although their executor gave up on them. exit() destroys static
// objects of LibTorch, which such a thread may use: while one is running, exit() ends the process
// without that, with the same exit code (on macOS and Windows with 1).
class LostThreads {
 public:
  static void OnLost();
  static void OnEnded();
  // To be called early in exit(): static objects that were created since OnLost() are destroyed
  // before what OnLost() registered runs.
  static void OnExit();
};

}  // namespace semisup
