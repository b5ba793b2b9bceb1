// Writes networks to a file, reads and runs them, and compares their output with that before.
//   engine_test FILE                writes FILE
//   engine_test FILE MUTATIONS      then reads damaged copies of it, and runs what can be read
// Prints a line for each network and each kind of damage, and one for the mutations. Exits with 1
// if outputs differ, or what is damaged is not refused for its reason.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <random>
#include <string>

#include "engine/checksum.h"
#include "engine/compiled_file.h"
#include "engine/make_network.h"
#include "kernels/instruction_set.h"
#include "networks.h"

using namespace semisup::engine;

namespace {

Tensors Run(const NetworkDescription& description, const Tensor& images,
            const OutputSelection& selected = {}) {
  Network network(std::make_shared<Arena>(), {});
  network.steps() = MakeSteps(description);
  network.set_sub_batch(description.sub_batch);
  return network.Run(images, selected);
}

bool AreEqual(const Tensors& a, const Tensors& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Tensor& x, const Tensor& y) {
    const auto bytes = static_cast<size_t>(x.numel()) * sizeof(float);
    return x.sizes() == y.sizes() && std::memcmp(x.data<float>(), y.data<float>(), bytes) == 0;
  });
}

// Runs a network for its second output alone.
bool CheckSelection() {
  const auto description = ExampleNetworks()[0];
  const auto images = ExampleImages(5);
  const auto all = Run(description, images);
  const bool is_equal = AreEqual(Run(description, images, {1}), {all.at(1)}) &&
                        AreEqual(Run(description, images, {1, 0}), {all.at(1), all.at(0)});
  Network network(std::make_shared<Arena>(), {});
  network.steps() = MakeSteps(description);
  auto states = network.EmptyStates(ExecutionMode::kLatency);
  size_t steps = 0;
  network.RunSteps(images, states, {1}, [&](size_t, const Tensor&) { steps++; });
  std::printf("%s selection, %zu of %zu steps\n", is_equal ? "equal" : "DIFFERENT", steps,
              description.steps.size());
  return is_equal && steps == kSecondOutputStep + 1;
}

// Compares with what is read back, for images that run in both modes.
bool CheckRoundTrip(const std::string& path) {
  const CompiledFile file{R"({"name":"example"})", ExampleNetworks()};
  std::filesystem::remove(path);
  WriteCompiled(path, file);
  const auto read = ReadCompiled(MapFile(path));
  bool is_equal = read.metadata == file.metadata && read.networks.size() == file.networks.size();
  const auto images = ExampleImages(5);
  for (size_t i = 0; i < file.networks.size() && is_equal; i++) {
    const auto expected = Run(file.networks[i], images);
    is_equal = AreEqual(expected, Run(read.networks[i], images));
    std::printf("%s %s\n", is_equal ? "equal" : "DIFFERENT", file.networks[i].precision.c_str());
  }
  return is_equal;
}

// A copy of a file in memory, aligned as a mapped one.
struct Copy {
  explicit Copy(const MappedFile& file)
      : bytes(file.bytes),
        data(static_cast<char*>(std::aligned_alloc(64, (bytes + 63) / 64 * 64)), &std::free) {
    std::memcpy(data.get(), file.data, bytes);
  }
  MappedFile AsFile() const { return {data, data.get(), bytes}; }

  size_t bytes;
  std::shared_ptr<char> data;
};

// The places of the header and of a section in its table, as in compiled_file.cc.
constexpr size_t kHeaderBytes = 40;
constexpr size_t kSectionBytes = 32;

template <class T>
T Load(const char* data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return value;
}

// Makes the checksums fit, so that what they protect is decoded.
void FixChecksums(const Copy& file) {
  char* data = file.data.get();
  const auto sections = Load<uint64_t>(data + 24);
  if (sections > (file.bytes - kHeaderBytes) / kSectionBytes) return;
  for (uint64_t i = 0; i < sections; i++) {
    char* section = data + kHeaderBytes + i * kSectionBytes;
    const auto offset = Load<uint64_t>(section + 8);
    const auto bytes = Load<uint64_t>(section + 16);
    if (offset > file.bytes || bytes > file.bytes - offset) continue;
    const uint64_t checksum = Checksum(data + offset, bytes);
    std::memcpy(section + 24, &checksum, sizeof(checksum));
  }
  const uint64_t checksum = Checksum(data + kHeaderBytes, sections * kSectionBytes);
  std::memcpy(data + 32, &checksum, sizeof(checksum));
}

// The hashes of the reference implementation, below and above the length of its long loop.
bool CheckChecksum() {
  const std::string texts[]{"", "a", "abcdefgh", "Nobody inspects the spammish repetition"};
  const uint64_t expected[]{0xEF46DB3751D8E999, 0xD24EC4F1A98C6E5B, 0x3AD351775B4634B7,
                            0xFBCEA83C8A378BF1};
  for (size_t i = 0; i < std::size(texts); i++) {
    if (Checksum(texts[i].data(), texts[i].size()) != expected[i]) return false;
  }
  return true;
}

// Reads a changed copy of a file, and compares the reason for which it is refused.
template <class Change>
bool CheckRefused(const MappedFile& file, const std::string& reason, const Change& change) {
  Copy copy(file);
  change(copy);
  std::string actual = "nothing";
  try {
    ReadCompiled(copy.AsFile());
  } catch (const InvalidFile& refused) {
    actual = refused.what();
  }
  const bool is_right = actual.find(reason) != std::string::npos;
  std::printf("%s: %s\n", is_right ? "refused" : "NOT REFUSED",
              is_right ? reason.c_str() : actual.c_str());
  return is_right;
}

template <class T>
void Store(Copy& copy, size_t offset, T value) {
  std::memcpy(copy.data.get() + offset, &value, sizeof(value));
}

bool CheckDamages(const std::string& path) {
  const auto file = MapFile(path);
  const auto refuses = [&](const char* reason, const auto& change) {
    return CheckRefused(file, reason, change);
  };
  bool is_right =
      refuses("it is not a compiled model", [](Copy& copy) { copy.data.get()[3] = 'x'; });
  is_right &= refuses("it is not a compiled model", [](Copy& copy) { copy.bytes = 0; });
  is_right &= refuses("it is truncated", [](Copy& copy) { copy.bytes = 20; });
  is_right &= refuses("it is truncated", [](Copy& copy) { copy.bytes--; });
  is_right &= refuses("bytes after its end",
                      [](Copy& copy) { Store(copy, 16, static_cast<uint64_t>(copy.bytes - 64)); });
  is_right &= refuses("its format has the version 7", [](Copy& copy) { Store(copy, 8, 7); });
  is_right &= refuses("of another byte order", [](Copy& copy) { Store(copy, 12, 0x04030201); });
  is_right &= refuses("its table of sections is damaged",
                      [](Copy& copy) { copy.data.get()[kHeaderBytes + 17] ^= 1; });
  is_right &= refuses("its table of sections is damaged",
                      [](Copy& copy) { Store(copy, 24, uint64_t{1} << 60); });
  is_right &= refuses("its sections overlap, or are outside of it", [](Copy& copy) {
    Store(copy, kHeaderBytes + kSectionBytes + 8, uint64_t{64});
    FixChecksums(copy);
  });
  is_right &= refuses("its sections overlap, or are outside of it", [](Copy& copy) {
    Store(copy, kHeaderBytes + kSectionBytes + 16, ~uint64_t{0} - 100);
    FixChecksums(copy);
  });
  return is_right & refuses("is damaged", [](Copy& copy) { copy.data.get()[copy.bytes - 1] ^= 4; });
}

class Mutator {
 public:
  explicit Mutator(const MappedFile& file) : file_(file) {
    const auto sections = Load<uint64_t>(file.data + 24);
    for (uint64_t i = 0; i < sections; i++) {
      const char* section = file.data + kHeaderBytes + i * kSectionBytes;
      // Networks, which all numbers are in.
      if (Load<uint64_t>(section) != 1) continue;
      networks_.push_back({Load<uint64_t>(section + 8), Load<uint64_t>(section + 16)});
    }
  }

  Copy Next() {
    Copy copy(file_);
    for (int64_t i = Integer(1, 3); i > 0; i--) Change(copy);
    if (Integer(0, 9) > 0) FixChecksums(copy);
    return copy;
  }

 private:
  int64_t Integer(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(generator_);
  }

  void Change(Copy& copy) {
    const int64_t kind = Integer(0, 19);
    if (kind == 0) {
      copy.bytes = Integer(0, static_cast<int64_t>(copy.bytes));
    } else if (kind == 1) {
      copy.data.get()[Integer(0, static_cast<int64_t>(copy.bytes) - 1)] ^=
          static_cast<char>(1 << Integer(0, 7));
    } else {
      // A number of the header, of the table of sections or, mostly, of a network.
      const auto& [offset, bytes] =
          networks_[Integer(0, static_cast<int64_t>(networks_.size()) - 1)];
      const bool is_table = kind < 4;
      const int64_t end = static_cast<int64_t>(is_table ? copy.bytes / 8 : bytes / 8) - 1;
      const int64_t place = Integer(0, is_table ? std::min<int64_t>(end, 200) : end) * 8;
      const auto position = static_cast<size_t>(place) + (is_table ? 0 : offset);
      if (position + 8 > copy.bytes) return;
      constexpr int64_t kValues[]{0,   1,    2,  3,  5,       7,         64,
                                  129, 1000, -1, -2, 1 << 20, INT64_MAX, INT64_MIN};
      const int64_t value = kValues[Integer(0, std::size(kValues) - 1)];
      std::memcpy(copy.data.get() + position, &value, sizeof(value));
    }
  }

  const MappedFile file_;
  std::vector<std::pair<uint64_t, uint64_t>> networks_;
  std::mt19937_64 generator_{11};
};

void ReadMutations(const std::string& path, int64_t count) {
  Mutator mutator(MapFile(path));
  const auto images = ExampleImages(1);
  int64_t refused = 0;
  int64_t failed = 0;
  int64_t run = 0;
  for (int64_t i = 0; i < count; i++) {
    const auto copy = mutator.Next();
    CompiledFile file;
    try {
      file = ReadCompiled(copy.AsFile());
      for (const auto& network : file.networks) MakeSteps(network);
    } catch (const std::exception&) {
      refused++;
      continue;
    }
    try {
      for (const auto& network : file.networks) Run(network, images);
      run++;
    } catch (const std::exception&) {
      failed++;
    }
  }
  std::printf("%lld mutations: %lld refused, %lld failed when they ran, %lld ran\n",
              static_cast<long long>(count), static_cast<long long>(refused),
              static_cast<long long>(failed), static_cast<long long>(run));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string path = argc > 1 ? argv[1] : "engine_test.semisup";
  std::printf(
      "%s\n",
      std::string(semisup::kernels::NameOf(semisup::kernels::ActiveInstructionSet())).c_str());
  if (!CheckChecksum()) return std::puts("WRONG CHECKSUM"), 1;
  if (!CheckRoundTrip(path) || !CheckSelection() || !CheckDamages(path)) return 1;
  if (argc > 2) ReadMutations(path, std::atoll(argv[2]));
  return 0;
}
