#include "loader/process_directory.h"

ProcessDirectory& ProcessDirectory::Instance() {
  static ProcessDirectory instance;
  return instance;
}

ProcessDirectory::State ProcessDirectory::Get() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return {chosen_, IsInUse() ? current_ : ""};
}

bool ProcessDirectory::Choose(const std::string& directory) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (IsInUse()) return directory == current_;
  chosen_ = directory;
  return true;
}

bool ProcessDirectory::Acquire(const std::string& directory) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (IsInUse() && directory != current_) return false;
  current_ = directory;
  openings_++;
  return true;
}

void ProcessDirectory::Release(bool is_open) {
  const std::lock_guard<std::mutex> lock(mutex_);
  is_open_ = is_open_ || is_open;
  openings_--;
}
