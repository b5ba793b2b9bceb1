#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace semisup {

// A class of storages that pickles name, with the bits of its elements.
struct StorageType {
  std::string_view name;
  uint8_t bits;
};

inline constexpr std::array kStorageTypes{
    StorageType{"ByteStorage", 8},
    StorageType{"CharStorage", 8},
    StorageType{"ShortStorage", 16},
    StorageType{"IntStorage", 32},
    StorageType{"LongStorage", 64},
    StorageType{"HalfStorage", 16},
    StorageType{"FloatStorage", 32},
    StorageType{"DoubleStorage", 64},
    StorageType{"ComplexHalfStorage", 32},
    StorageType{"ComplexFloatStorage", 64},
    StorageType{"ComplexDoubleStorage", 128},
    StorageType{"BoolStorage", 8},
    StorageType{"QInt8Storage", 8},
    StorageType{"QUInt8Storage", 8},
    StorageType{"QInt32Storage", 32},
    StorageType{"BFloat16Storage", 16},
    StorageType{"QUInt4x2Storage", 4},
    StorageType{"QUInt2x4Storage", 2},
    StorageType{"UInt16Storage", 16},
    StorageType{"UInt32Storage", 32},
    StorageType{"UInt64Storage", 64},
    StorageType{"Float8_e5m2Storage", 8},
    StorageType{"Float8_e4m3fnStorage", 8},
    StorageType{"Float8_e5m2fnuzStorage", 8},
    StorageType{"Float8_e4m3fnuzStorage", 8},
    StorageType{"Float8_e8m0fnuStorage", 8},
    StorageType{"Float4_e2m1fn_x2Storage", 8},
};

}  // namespace semisup
