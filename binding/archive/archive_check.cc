#include "archive/archive_check.h"

#include <caffe2/serialize/inline_container.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "archive/operator_check.h"
#include "archive/pickle_check.h"
#include "archive/pickle_reader.h"
#include "archive/source_check.h"
#include "archive/zip_directory.h"

namespace semisup {
namespace {

constexpr std::string_view kExtraFolder = "extra/";
constexpr std::string_view kCodeFolder = "code/";
constexpr std::string_view kSourceSuffix = ".py";
constexpr std::string_view kDebugSuffix = ".debug_pkl";

constexpr uint64_t kMaxPickleBytes = uint64_t{64} << 20;
// Of all code and debug information. That of a ResNet-50 has 0.6 MB.
constexpr uint64_t kMaxCodeBytes = uint64_t{128} << 20;
// Of the records that contain a number or a word.
constexpr uint64_t kMaxHeaderBytes = 4096;

[[noreturn]] void Fail(const std::string& reason) { throw std::runtime_error(reason); }

bool IsSource(std::string_view name) {
  return name.starts_with(kCodeFolder) && name.ends_with(kSourceSuffix);
}
bool IsDebugPickle(std::string_view name) {
  return name.starts_with(kCodeFolder) && name.ends_with(kDebugSuffix);
}
bool IsPickle(std::string_view name) {
  return name == "data.pkl" || name == "constants.pkl" || IsDebugPickle(name);
}

class Checker {
 public:
  explicit Checker(const std::shared_ptr<caffe2::serialize::ReadAdapterInterface>& archive)
      : records_(ReadZipDirectory(*archive)) {
    for (size_t i = 0; i < records_.size(); i++) by_name_[records_[i].name] = i;
    CheckSizes();
    reader_ = std::make_unique<caffe2::serialize::PyTorchStreamReader>(archive);
    CompareDirectories();
  }

  void CheckSources() {
    for (const auto& record : records_) {
      if (!IsSource(record.name)) continue;
      auto qualifier = record.name.substr(kCodeFolder.size());
      qualifier.resize(qualifier.size() - kSourceSuffix.size());
      std::replace(qualifier.begin(), qualifier.end(), '/', '.');
      sources_.push_back({record.name, std::move(qualifier),
                          std::make_shared<torch::jit::Source>(Read(record.name), record.name)});
    }
    CheckNesting(sources_);
  }

  void CheckPickles(OperatorCheck* operators) {
    for (const auto& record : records_) {
      if (!IsPickle(record.name)) continue;
      // `data/0` is a storage of `data.pkl`.
      const auto folder = record.name.substr(0, record.name.find('.')) + "/";
      PickleContext context{
          .storage_size = [&](std::string_view key) { return SizeOf(folder + std::string(key)); },
          .max_storage_bytes = SizeOfFolder(folder)};
      if (operators) operators->Observe(record.name, context);
      try {
        CheckPickle(Read(record.name), context);
      } catch (const PickleError& error) {
        Fail("The record " + Quote(record.name) + " is damaged: " + error.what() + ".");
      }
    }
  }

  const std::vector<SourceFile>& sources() const { return sources_; }

  std::vector<std::string> ExtraFiles() const {
    std::vector<std::string> names;
    for (const auto& record : records_) {
      if (record.name.starts_with(kExtraFolder)) {
        names.push_back(record.name.substr(kExtraFolder.size()));
      }
    }
    return names;
  }

 private:
  void CheckSizes() {
    uint64_t code_bytes = 0;
    for (const auto& record : records_) {
      const bool is_code = IsSource(record.name) || IsDebugPickle(record.name);
      if (is_code) code_bytes += record.size;
      if (code_bytes > kMaxCodeBytes || (IsPickle(record.name) && record.size > kMaxPickleBytes)) {
        Fail("The record " + Quote(record.name) + " has " + std::to_string(record.size) +
             " bytes. At most 64 MiB are accepted in a pickle, and 128 MiB in all code.");
      }
      const bool is_header =
          record.name == "version" || record.name == "byteorder" || record.name.starts_with(".");
      if (is_header && record.size > kMaxHeaderBytes) {
        Fail("The record " + Quote(record.name) + " has " + std::to_string(record.size) +
             " bytes, but should have a few.");
      }
    }
    if (by_name_.contains("model.json")) {
      Fail(
          "It is in the format of PyTorch 1.0 to 1.2 (model.json), which is not supported: load "
          "it in Python, and save it again.");
    }
  }

  // LibTorch reads the directory with its own code: it must find the same.
  void CompareDirectories() {
    const auto names = reader_->getAllRecords();
    const bool are_equal = std::equal(
        names.begin(), names.end(), records_.begin(), records_.end(),
        [](const std::string& name, const ZipRecord& record) { return name == record.name; });
    if (!are_equal) Fail("The zip archive has two directories that differ.");
    for (const auto& record : records_) {
      if (record.name.empty() || record.name.ends_with("/")) continue;
      if (reader_->getRecordSize(record.name) != record.size ||
          reader_->getRecordOffset(record.name) != record.offset) {
        Fail("The zip archive's record " + Quote(record.name) +
             " has another size or place than its directory says.");
      }
    }
  }

  std::optional<uint64_t> SizeOf(const std::string& name) const {
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) return std::nullopt;
    return records_[found->second].size;
  }

  uint64_t SizeOfFolder(const std::string& folder) const {
    uint64_t size = 0;
    for (const auto& record : records_) {
      if (record.name.starts_with(folder)) size += record.size;
    }
    return size;
  }

  std::string Read(const std::string& name) {
    const auto [bytes, size] = reader_->getRecord(name);
    return {static_cast<const char*>(bytes.get()), size};
  }

  std::vector<ZipRecord> records_;
  std::unordered_map<std::string, size_t> by_name_;
  std::unique_ptr<caffe2::serialize::PyTorchStreamReader> reader_;
  std::vector<SourceFile> sources_;
};

}  // namespace

std::vector<std::string> CheckArchive(
    const std::shared_ptr<caffe2::serialize::ReadAdapterInterface>& archive,
    bool only_allowed_operators) {
  Checker checker(archive);
  checker.CheckSources();
  if (!only_allowed_operators) {
    checker.CheckPickles(nullptr);
    return checker.ExtraFiles();
  }
  OperatorCheck operators;
  for (const auto& source : checker.sources()) operators.Check(source);
  checker.CheckPickles(&operators);
  operators.ThrowIfAnyIsRefused();
  return checker.ExtraFiles();
}

}  // namespace semisup
