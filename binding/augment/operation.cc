#include "augment/operation.h"

#include <cmath>

#include "augment/affine.h"
#include "augment/enhance.h"
#include "augment/flip.h"
#include "augment/histogram.h"
#include "augment/hue.h"
#include "augment/lookup.h"

namespace semisup::augment {
namespace {

// Functions without a parameter, and with one of another type than double.
template <void (*function)(RgbImage&)>
void Adapt(RgbImage& image, double) {
  function(image);
}
template <class Value, void (*function)(RgbImage&, Value)>
void Adapt(RgbImage& image, double value) {
  function(image, static_cast<Value>(value));
}

// Larger factors only saturate more.
constexpr double kMaxFactor = 1e6;

constexpr OperationType kTypes[] = {
    {"hflip", 0, 0, false, &Adapt<FlipHorizontally>},
    {"brightness", 0, kMaxFactor, false, &Adapt<float, AdjustBrightness>},
    {"contrast", 0, kMaxFactor, false, &Adapt<float, AdjustContrast>},
    {"saturation", 0, kMaxFactor, false, &Adapt<float, AdjustSaturation>},
    {"sharpness", 0, kMaxFactor, false, &Adapt<float, AdjustSharpness>},
    {"hue", -0.5, 0.5, false, &AdjustHue},
    {"shearX", -1, 1, false, &ShearX},
    {"shearY", -1, 1, false, &ShearY},
    {"translateX", -kMaxSide, kMaxSide, true, &Adapt<int64_t, TranslateX>},
    {"translateY", -kMaxSide, kMaxSide, true, &Adapt<int64_t, TranslateY>},
    {"rotate", -360, 360, false, &Rotate},
    {"posterize", 1, 8, true, &Adapt<int, Posterize>},
    {"solarize", 0, 256, false, &Solarize},
    {"autocontrast", 0, 0, false, &Adapt<AutoContrast>},
    {"equalize", 0, 0, false, &Adapt<Equalize>},
};

}  // namespace

const OperationType* FindOperationType(std::string_view name) {
  for (const OperationType& type : kTypes) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

bool IsValid(const Operation& operation) {
  const auto& [type, value] = operation;
  if (!(value >= type->least && value <= type->most)) return false;
  return !type->is_integer || value == std::floor(value);
}

}  // namespace semisup::augment
