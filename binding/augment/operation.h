#pragma once
#include <cstdint>
#include <string_view>

#include "augment/rgb_image.h"

namespace semisup::augment {

// A function that changes an image of fixed size, with its parameter. They are torchvision's
// functional transforms of PIL images, of the same names.
struct OperationType {
  std::string_view name;
  // The range of the parameter; both are 0 if there is none.
  double least, most;
  // Whether the parameter is an integer.
  bool is_integer;
  void (*apply)(RgbImage& image, double value);
};

struct Operation {
  const OperationType* type;
  double value;
};

// The longest side of an image that operations accept.
inline constexpr int64_t kMaxSide = 4096;

// The type of that name; null if there is none.
const OperationType* FindOperationType(std::string_view name);

// Whether the type accepts the parameter. Not if it is NaN.
bool IsValid(const Operation& operation);

}  // namespace semisup::augment
