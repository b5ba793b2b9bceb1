#pragma once
#include <mutex>
#include <string>

// LibTorch's directory, for the whole process: every JS environment (main thread, worker threads)
// has its own state in TypeScript, but the addon is linked to the first LibTorch that any of them
// opens. Opening a second one would only use memory.
class ProcessDirectory {
 public:
  struct State {
    // The directory to open; empty for the default search.
    std::string chosen;
    // The directory whose libraries are open or being opened; empty if none.
    std::string current;
  };

  static ProcessDirectory& Instance();

  State Get();

  // Returns false, and changes nothing, if another directory's libraries are open or being opened.
  bool Choose(const std::string& directory);

  // To be called before libraries of `directory` are opened. Returns false if those of another
  // directory are open or being opened; otherwise Release() must be called after the attempt.
  bool Acquire(const std::string& directory);
  void Release(bool is_open);

 private:
  bool IsInUse() const { return is_open_ || openings_ > 0; }

  std::mutex mutex_;
  std::string chosen_;
  std::string current_;
  bool is_open_ = false;
  int openings_ = 0;
};
