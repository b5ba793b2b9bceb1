// Reads memory with several threads: the limit of a search that compares a query with all vectors.
// Arguments: bytes, threads. Answers each line with {"milliseconds": […]}.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

namespace {

// Independent sums, which the compiler keeps in vectors.
uint64_t Sum(const uint64_t* data, size_t count) {
  constexpr size_t kSums = 64;
  uint64_t sums[kSums]{};
  for (size_t i = 0; i + kSums <= count; i += kSums) {
    for (size_t j = 0; j < kSums; j++) sums[j] += data[i + j];
  }
  uint64_t sum = 0;
  for (const uint64_t part : sums) sum += part;
  return sum;
}

}  // namespace

int main(int, char** arguments) {
  const size_t count = std::strtoull(arguments[1], nullptr, 10) / sizeof(uint64_t);
  const size_t threads = std::strtoull(arguments[2], nullptr, 10);
  const std::vector<uint64_t> data(count, 3);
  std::vector<uint64_t> sums(threads);
  std::puts("{}");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    std::string times;
    for (int call = 0; call < 6; call++) {
      const auto start = std::chrono::steady_clock::now();
      std::vector<std::thread> running;
      for (size_t t = 0; t < threads; t++) {
        running.emplace_back([&, t] {
          const size_t first = count * t / threads;
          sums[t] = Sum(data.data() + first, count * (t + 1) / threads - first);
        });
      }
      for (auto& thread : running) thread.join();
      const std::chrono::duration<double, std::milli> duration =
          std::chrono::steady_clock::now() - start;
      // The first call is not counted.
      if (call > 0) times += (times.empty() ? "" : ", ") + std::to_string(duration.count());
    }
    std::printf("{\"milliseconds\": [%s], \"sum\": \"%llu\"}\n", times.c_str(),
                static_cast<unsigned long long>(sums[0]));
    std::fflush(stdout);
  }
}
