#include "archive/zip_directory.h"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <unordered_set>

namespace semisup {
namespace {

using caffe2::serialize::ReadAdapterInterface;

constexpr uint32_t kEndSignature = 0x06054b50;
constexpr size_t kEndBytes = 22;
constexpr uint32_t kZip64EndSignature = 0x06064b50;
constexpr size_t kZip64EndBytes = 56;
constexpr uint32_t kZip64LocatorSignature = 0x07064b50;
constexpr size_t kZip64LocatorBytes = 20;
constexpr uint32_t kEntrySignature = 0x02014b50;
constexpr size_t kEntryBytes = 46;
constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr size_t kLocalBytes = 30;
constexpr uint32_t kIn64BitField = 0xffffffff;

// LibTorch's miniz truncates longer names when it lists them.
constexpr size_t kMaxNameLength = 511;
constexpr size_t kMaxRecords = size_t{1} << 17;
// Of the directory. An entry of LibTorch's takes about 100 bytes.
constexpr uint64_t kMaxDirectoryBytes = uint64_t{1} << 26;

// Encrypted, patched or with an encrypted directory.
constexpr uint16_t kUnsupportedFlags = (1 << 0) | (1 << 5) | (1 << 13);
constexpr uint16_t kStored = 0;
constexpr uint16_t kDeflated = 8;

// LibTorch deflates code, whose ratio is about 3 to 10, and stores tensors; zip programs deflate
// tensors too, to nearly their size. Deflate's highest ratio, 1032, needs a bound in both.
constexpr uint64_t kInflatedPerByte = 4;
constexpr uint64_t kInflatedAlways = uint64_t{64} << 20;

[[noreturn]] void Fail(const std::string& reason) { throw std::runtime_error(reason); }

// Little-endian numbers in bytes whose length the caller has checked.
uint64_t Little(const uint8_t* bytes, int count) {
  uint64_t value = 0;
  for (int i = count; i-- > 0;) value = value << 8 | bytes[i];
  return value;
}
uint16_t U16(const uint8_t* bytes) { return static_cast<uint16_t>(Little(bytes, 2)); }
uint32_t U32(const uint8_t* bytes) { return static_cast<uint32_t>(Little(bytes, 4)); }
uint64_t U64(const uint8_t* bytes) { return Little(bytes, 8); }

std::vector<uint8_t> Read(const ReadAdapterInterface& archive, uint64_t position, size_t count) {
  std::vector<uint8_t> bytes(count);
  if (archive.read(position, bytes.data(), count, "") != count) {
    Fail("The archive could not be read at byte " + std::to_string(position) + ".");
  }
  return bytes;
}

struct Location {
  uint64_t records;
  uint64_t offset;
  uint64_t size;
};

Location LocateDirectory(const ReadAdapterInterface& archive) {
  const uint64_t size = archive.size();
  if (size < kEndBytes) Fail("The file is too short to be a zip archive.");
  const uint64_t end = size - kEndBytes;
  const auto record = Read(archive, end, kEndBytes);
  if (U32(record.data()) != kEndSignature || U16(&record[20]) != 0) {
    Fail("The file does not end with the directory of a zip archive without a comment.");
  }
  Location directory{U16(&record[10]), U32(&record[16]), U32(&record[12])};
  uint64_t directory_end = end;
  if (end >= kZip64LocatorBytes + kZip64EndBytes) {
    const auto locator = Read(archive, end - kZip64LocatorBytes, kZip64LocatorBytes);
    if (U32(locator.data()) == kZip64LocatorSignature) {
      directory_end = U64(&locator[8]);
      if (directory_end != end - kZip64LocatorBytes - kZip64EndBytes) {
        Fail("The zip archive's 64-bit end record is not where its locator says.");
      }
      const auto end64 = Read(archive, directory_end, kZip64EndBytes);
      if (U32(end64.data()) != kZip64EndSignature) {
        Fail("The zip archive has no 64-bit end record where its locator says.");
      }
      directory = {U64(&end64[32]), U64(&end64[48]), U64(&end64[40])};
    }
  }
  if (directory.size > directory_end || directory.offset != directory_end - directory.size) {
    Fail("The zip archive's directory is not directly before its end record.");
  }
  if (directory.records > kMaxRecords || directory.size > kMaxDirectoryBytes) {
    Fail("The zip archive's directory has " + std::to_string(directory.records) + " records in " +
         std::to_string(directory.size) + " bytes; at most " + std::to_string(kMaxRecords) +
         " records in " + std::to_string(kMaxDirectoryBytes) + " bytes are accepted.");
  }
  return directory;
}

bool IsSafeName(std::string_view name) {
  const auto is_forbidden = [](unsigned char c) { return c < 0x20 || c == 0x7f || c == '\\'; };
  if (name.empty() || name.size() > kMaxNameLength) return false;
  if (std::any_of(name.begin(), name.end(), is_forbidden)) return false;
  // Between slashes: an empty part is an absolute path or a doubled slash, "." and ".." are
  // directories.
  while (true) {
    const auto slash = name.find('/');
    const auto part = name.substr(0, slash);
    if (part == "." || part == "..") return false;
    if (slash == name.npos) return true;
    if (part.empty()) return false;
    name.remove_prefix(slash + 1);
  }
}

// Replaces the fields of an entry that are 0xffffffff by those of its zip64 extra field.
void ReadZip64Fields(const uint8_t* extra, size_t length, ZipRecord& record, uint64_t& local) {
  std::vector<uint64_t*> wanted;
  for (auto* field : {&record.size, &record.compressed_size, &local}) {
    if (*field == kIn64BitField) wanted.push_back(field);
  }
  if (wanted.empty()) return;
  for (size_t at = 0; at + 4 <= length;) {
    const auto id = U16(extra + at);
    const size_t field_length = U16(extra + at + 2);
    at += 4;
    if (field_length > length - at) break;
    if (id == 1 && field_length >= 8 * wanted.size()) {
      for (size_t i = 0; i < wanted.size(); i++) *wanted[i] = U64(extra + at + 8 * i);
      return;
    }
    at += field_length;
  }
  Fail("The zip archive's record " + Quote(record.name) + " has no 64-bit size.");
}

// Sets the offset of the record's bytes, after checking its local header.
void ReadLocalHeader(const ReadAdapterInterface& archive, uint64_t local,
                     std::string_view name_in_directory, uint64_t directory, ZipRecord& record) {
  const auto quoted = Quote(record.name);
  if (local > directory || directory - local < kLocalBytes) {
    Fail("The zip archive's record " + quoted + " begins after the directory.");
  }
  const auto header = Read(archive, local, kLocalBytes);
  const size_t name_length = U16(&header[26]);
  record.offset = local + kLocalBytes + name_length + U16(&header[28]);
  if (U32(header.data()) != kLocalSignature || name_length != name_in_directory.size()) {
    Fail("The zip archive's record " + quoted + " has no header of its own.");
  }
  const auto name = Read(archive, local + kLocalBytes, name_length);
  if (!std::equal(name.begin(), name.end(), name_in_directory.begin(), name_in_directory.end(),
                  [](uint8_t a, char b) { return a == static_cast<uint8_t>(b); })) {
    Fail("The zip archive's record " + quoted + " has another name in its own header.");
  }
  if (record.offset > directory || directory - record.offset < record.compressed_size) {
    Fail("The zip archive's record " + quoted + " is longer than the archive.");
  }
}

struct Extent {
  uint64_t begin;
  uint64_t end;
  size_t record;
};

void CheckOverlaps(std::vector<Extent> extents, const std::vector<ZipRecord>& records) {
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
  for (size_t i = 1; i < extents.size(); i++) {
    if (extents[i].begin >= extents[i - 1].end) continue;
    Fail("The zip archive's records " + Quote(records[extents[i - 1].record].name) + " and " +
         Quote(records[extents[i].record].name) + " overlap.");
  }
}

}  // namespace

std::string Quote(std::string_view name) {
  constexpr size_t kMaxLength = 200;
  std::string quoted = "'";
  for (const char c : name.substr(0, kMaxLength)) {
    quoted += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return quoted + (name.size() > kMaxLength ? "…'" : "'");
}

std::vector<ZipRecord> ReadZipDirectory(const ReadAdapterInterface& archive) {
  const auto location = LocateDirectory(archive);
  const auto directory = Read(archive, location.offset, static_cast<size_t>(location.size));
  std::vector<ZipRecord> records;
  std::vector<Extent> extents;
  std::unordered_set<std::string> names;
  std::string root;
  uint64_t inflated = 0;
  const uint64_t max_inflated = kInflatedAlways + kInflatedPerByte * archive.size();
  size_t at = 0;
  for (uint64_t i = 0; i < location.records; i++) {
    const uint8_t* entry = directory.data() + at;
    if (directory.size() - at < kEntryBytes || U32(entry) != kEntrySignature) {
      Fail("The zip archive's directory ends after " + std::to_string(i) + " of " +
           std::to_string(location.records) + " records.");
    }
    const size_t name_length = U16(entry + 28);
    const size_t extra_length = U16(entry + 30);
    const size_t length = kEntryBytes + name_length + extra_length + U16(entry + 32);
    if (directory.size() - at < length) Fail("The zip archive's directory is truncated.");
    const std::string full_name(reinterpret_cast<const char*>(entry) + kEntryBytes, name_length);
    if (!IsSafeName(full_name)) {
      Fail("The zip archive's record " + Quote(full_name) +
           " has a name that is empty, longer than " + std::to_string(kMaxNameLength) +
           " bytes, absolute, or contains '..', a backslash or a control character.");
    }
    if (i == 0) root = full_name.substr(0, full_name.find('/')) + '/';
    if (!full_name.starts_with(root)) {
      Fail("The zip archive's record " + Quote(full_name) + " is not in the directory " +
           Quote(root) + ", as the others are.");
    }
    if (!names.insert(full_name).second) {
      Fail("The zip archive has two records named " + Quote(full_name) + ".");
    }

    ZipRecord record;
    record.name = full_name.substr(root.size());
    record.compressed_size = U32(entry + 20);
    record.size = U32(entry + 24);
    uint64_t local = U32(entry + 42);
    ReadZip64Fields(entry + kEntryBytes + name_length, extra_length, record, local);
    const auto method = U16(entry + 10);
    record.is_deflated = method == kDeflated;
    if ((method != kStored && method != kDeflated) || U16(entry + 8) & kUnsupportedFlags) {
      Fail("The zip archive's record " + Quote(record.name) +
           " is encrypted, or compressed by another method than deflate.");
    }
    if (!record.is_deflated && record.size != record.compressed_size) {
      Fail("The zip archive's record " + Quote(record.name) + " is stored with two sizes.");
    }
    ReadLocalHeader(archive, local, full_name, location.offset, record);
    if (record.is_deflated) {
      inflated += std::min(record.size, max_inflated + 1);
      if (inflated > max_inflated) {
        Fail("The zip archive's compressed records, with " + Quote(record.name) +
             ", have more than " + std::to_string(max_inflated) +
             " bytes once inflated, which is the most that is accepted: 64 MiB and 4 times the "
             "size of the file.");
      }
    }
    extents.push_back({local, record.offset + record.compressed_size, records.size()});
    records.push_back(std::move(record));
    at += length;
  }
  CheckOverlaps(std::move(extents), records);
  return records;
}

}  // namespace semisup
