#include "checks.h"

#include <cstdio>
#include <random>

namespace {

bool failed = false;

std::mt19937& Generator() {
  static std::mt19937 generator(1);
  return generator;
}

}  // namespace

void Report(const std::string& name, double error, double tolerance) {
  const bool is_close = error <= tolerance;  // False for NaN.
  std::printf("%s %s: %.1e\n", is_close ? "ok" : "WRONG", name.c_str(), error);
  if (!is_close) failed = true;
}

bool AnyFailed() { return failed; }

std::vector<float> RandomValues(int64_t count) {
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(static_cast<size_t>(count));
  for (auto& value : values) value = uniform(Generator());
  return values;
}

int64_t RandomInteger(int64_t low, int64_t high) {
  return std::uniform_int_distribution<int64_t>(low, high)(Generator());
}
