#include "engine/compiled_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>

#include "engine/checksum.h"
#include "engine/decoder.h"
#include "engine/encoder.h"
#include "engine/native_path.h"
#include "kernels/parallel.h"

namespace semisup::engine {
namespace {

constexpr std::array<char, 8> kMagic{'S', 'E', 'M', 'I', 'S', 'U', 'P', 'C'};
constexpr uint32_t kByteOrder = 0x01020304;
constexpr uint32_t kOtherByteOrder = 0x04030201;
// Of sections, for vectors of weights.
constexpr uint64_t kAlignment = 64;

struct Header {
  std::array<char, 8> magic;
  uint32_t version;
  uint32_t byte_order;
  uint64_t file_bytes;
  uint64_t sections;
  // Of the table of sections, which follows.
  uint64_t checksum;
};

enum class SectionKind : uint64_t { kMetadata, kNetwork, kWeights };

struct Section {
  SectionKind kind;
  uint64_t offset;
  uint64_t bytes;
  uint64_t checksum;
};

// Beyond what any model has.
constexpr uint64_t kMaxSections = 1 << 20;

uint64_t Aligned(uint64_t offset) { return (offset + kAlignment - 1) / kAlignment * kAlignment; }

Header ReadHeader(const MappedFile& file) {
  Header header;
  if (!IsCompiled(file)) throw InvalidFile("it is not a compiled model");
  if (file.bytes < sizeof(header)) throw InvalidFile("it is truncated");
  std::memcpy(&header, file.data, sizeof(header));
  if (header.byte_order == kOtherByteOrder) {
    throw InvalidFile("it was compiled on a machine of another byte order");
  }
  if (header.byte_order != kByteOrder) throw InvalidFile("its header is damaged");
  if (header.version != kFormatVersion) {
    throw InvalidFile("its format has the version " + std::to_string(header.version) +
                      ", and this package reads version " + std::to_string(kFormatVersion));
  }
  if (header.file_bytes > file.bytes) throw InvalidFile("it is truncated");
  if (header.file_bytes < file.bytes) throw InvalidFile("it has bytes after its end");
  return header;
}

std::vector<Section> ReadSections(const MappedFile& file, const Header& header) {
  const uint64_t available = (file.bytes - sizeof(header)) / sizeof(Section);
  if (header.sections > std::min(available, kMaxSections)) {
    throw InvalidFile("its table of sections is damaged");
  }
  std::vector<Section> sections(header.sections);
  const size_t bytes = sections.size() * sizeof(Section);
  std::copy_n(file.data + sizeof(header), bytes, reinterpret_cast<char*>(sections.data()));
  if (Checksum(sections.data(), bytes) != header.checksum) {
    throw InvalidFile("its table of sections is damaged");
  }
  uint64_t end = sizeof(header) + bytes;
  for (const auto& section : sections) {
    if (section.offset % kAlignment != 0 || section.offset < end || section.offset > file.bytes ||
        section.bytes > file.bytes - section.offset) {
      throw InvalidFile("its sections overlap, or are outside of it");
    }
    end = section.offset + section.bytes;
  }
  return sections;
}

void VerifyChecksums(const MappedFile& file, const std::vector<Section>& sections) {
  const auto count = static_cast<int64_t>(sections.size());
  kernels::ParallelFor(count, 1, [&](int64_t begin, int64_t end, int64_t) {
    for (int64_t i = begin; i < end; i++) {
      const auto& section = sections[i];
      if (Checksum(file.data + section.offset, section.bytes) != section.checksum) {
        throw InvalidFile("section " + std::to_string(i) + " is damaged");
      }
    }
  });
}

NetworkDescription DecodeNetwork(std::string_view bytes, const std::vector<Blob>& blobs,
                                 const std::shared_ptr<const void>& owner) {
  NetworkDescription network;
  try {
    Decoder decode(bytes, blobs, owner);
    decode(network);
    if (!decode.is_at_end()) throw std::invalid_argument("it has bytes after its end");
  } catch (const std::invalid_argument& problem) {
    throw InvalidFile(std::string("one of its networks is invalid: ") + problem.what());
  }
  return network;
}

// The sections of a file that is written.
class Sections {
 public:
  void Add(SectionKind kind, const void* data, size_t bytes) {
    sections_.push_back({kind, 0, bytes, Checksum(data, bytes)});
    contents_.push_back({data, bytes});
  }

  void Write(std::ostream& stream) {
    uint64_t offset = sizeof(Header) + sections_.size() * sizeof(Section);
    for (auto& section : sections_) {
      section.offset = Aligned(offset);
      offset = section.offset + section.bytes;
    }
    const size_t table_bytes = sections_.size() * sizeof(Section);
    const Header header{kMagic, kFormatVersion,   kByteOrder,
                        offset, sections_.size(), Checksum(sections_.data(), table_bytes)};
    stream.write(reinterpret_cast<const char*>(&header), sizeof(header));
    stream.write(reinterpret_cast<const char*>(sections_.data()),
                 static_cast<std::streamsize>(table_bytes));
    uint64_t position = sizeof(header) + table_bytes;
    constexpr std::array<char, kAlignment> kPadding{};
    for (size_t i = 0; i < sections_.size(); i++) {
      const auto& [data, bytes] = contents_[i];
      stream.write(kPadding.data(), static_cast<std::streamsize>(sections_[i].offset - position));
      stream.write(static_cast<const char*>(data), static_cast<std::streamsize>(bytes));
      position = sections_[i].offset + bytes;
    }
  }

 private:
  std::vector<Section> sections_;
  std::vector<Blob> contents_;
};

}  // namespace

bool IsCompiled(const MappedFile& file) {
  return file.bytes >= kMagic.size() && std::memcmp(file.data, kMagic.data(), kMagic.size()) == 0;
}

CompiledFile ReadCompiled(const MappedFile& file) {
  const auto header = ReadHeader(file);
  const auto sections = ReadSections(file, header);
  VerifyChecksums(file, sections);
  std::vector<Blob> blobs;
  for (const auto& section : sections) {
    if (section.kind == SectionKind::kWeights) {
      blobs.push_back({file.data + section.offset, static_cast<size_t>(section.bytes)});
    }
  }
  CompiledFile contents;
  for (const auto& section : sections) {
    const std::string_view bytes(file.data + section.offset, section.bytes);
    if (section.kind == SectionKind::kMetadata) contents.metadata = bytes;
    if (section.kind == SectionKind::kNetwork) {
      contents.networks.push_back(DecodeNetwork(bytes, blobs, file.owner));
    }
  }
  return contents;
}

void WriteCompiled(const std::string& path, const CompiledFile& file) {
  std::vector<Blob> blobs;
  std::vector<std::string> networks;
  Encoder encode(blobs);
  for (const auto& network : file.networks) {
    encode(network);
    networks.push_back(encode.TakeBytes());
  }
  Sections sections;
  sections.Add(SectionKind::kMetadata, file.metadata.data(), file.metadata.size());
  for (const auto& network : networks) {
    sections.Add(SectionKind::kNetwork, network.data(), network.size());
  }
  for (const auto& blob : blobs) sections.Add(SectionKind::kWeights, blob.data, blob.bytes);
  errno = 0;
  std::ofstream stream(NativePath(path).c_str(), std::ios::binary);
  if (stream) sections.Write(stream);
  stream.close();
  if (!stream) throw std::runtime_error(std::system_category().message(errno));
}

}  // namespace semisup::engine
