// Compiled with -ffp-contract=off, as image/transform.cc: Python fuses no multiply-adds.
#include "augment/affine.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

namespace semisup::augment {
namespace {

constexpr double kPi = 3.14159265358979323846;

double ToRadians(double degrees) { return degrees * (kPi / 180.0); }
double ToDegrees(double radians) { return radians * (180.0 / kPi); }

// From a position (x, y) of the result to one of the source: a x + b y + c and d x + e y + f.
struct Matrix {
  double a, b, c, d, e, f;
};

// torchvision's inverse matrix without rotation and scale, with its operations in their order.
// Shears are in radians.
Matrix InverseMatrix(double center_x, double center_y, double translate_x, double translate_y,
                     double shear_x, double shear_y) {
  const double a = std::cos(-shear_y) / std::cos(shear_y);
  const double b = -std::cos(-shear_y) * std::tan(shear_x) / std::cos(shear_y);
  const double c = std::sin(-shear_y) / std::cos(shear_y);
  const double d = -std::sin(-shear_y) * std::tan(shear_x) / std::cos(shear_y) + 1.0;
  Matrix matrix{d, -b, 0, -c, a, 0};
  matrix.c += matrix.a * (-center_x - translate_x) + matrix.b * (-center_y - translate_y);
  matrix.f += matrix.d * (-center_x - translate_x) + matrix.e * (-center_y - translate_y);
  matrix.c += center_x;
  matrix.f += center_y;
  return matrix;
}

// Python's round(value, 15) of a sine or cosine.
double RoundTo15Digits(double value) { return std::nearbyint(value * 1e15) / 1e15; }

// The matrix of Image.rotate().
Matrix RotationMatrix(double center_x, double center_y, double degrees) {
  // Python's %, whose result is not negative.
  double angle = std::fmod(degrees, 360.0);
  if (angle < 0) angle += 360.0;
  const double radians = -ToRadians(angle);
  const double cosine = RoundTo15Digits(std::cos(radians));
  const double sine = RoundTo15Digits(std::sin(radians));
  const double minus_sine = RoundTo15Digits(-std::sin(radians));
  Matrix matrix{cosine, sine, 0, minus_sine, cosine, 0};
  matrix.c = matrix.a * -center_x + matrix.b * -center_y + 0.0;
  matrix.f = matrix.d * -center_x + matrix.e * -center_y + 0.0;
  matrix.c += center_x;
  matrix.f += center_y;
  return matrix;
}

// Pillow's 16.16 fixed-point format.
constexpr int kFractionBits = 16;

int64_t ToFixed(double value) { return static_cast<int64_t>(std::floor(value * 65536.0 + 0.5)); }

int64_t CeilDiv(int64_t dividend, int64_t divisor) { return (dividend + divisor - 1) / divisor; }

struct Range {
  int64_t begin, end;
};

// The i of `range` for which start + i * step is in [0, limit): they are consecutive.
Range Within(Range range, int64_t start, int64_t step, int64_t limit) {
  if (step < 0) return Within(range, limit - 1 - start, -step, limit);
  if (start >= limit) return {0, 0};
  if (step == 0) return start >= 0 ? range : Range{0, 0};
  if (start < 0) range.begin = std::max(range.begin, CeilDiv(-start, step));
  range.end = std::min(range.end, CeilDiv(limit - start, step));
  return range;
}

// Pillow has another function for matrices that only scale, which accumulates positions in double.
// With whole translations and rotations by 180 degrees, both yield the same.
void TransformNearest(RgbImage& image, const Matrix& matrix) {
  RgbImage result(image.width, image.height);
  const int64_t step_x = ToFixed(matrix.a);
  const int64_t step_y = ToFixed(matrix.d);
  // The position of a pixel is that of its center.
  int64_t start_x = ToFixed(matrix.c + matrix.a * 0.5 + matrix.b * 0.5);
  int64_t start_y = ToFixed(matrix.f + matrix.d * 0.5 + matrix.e * 0.5);
  const int64_t next_x = ToFixed(matrix.b);
  const int64_t next_y = ToFixed(matrix.e);
  for (int64_t y = 0; y < image.height; ++y, start_x += next_x, start_y += next_y) {
    Range columns = Within({0, image.width}, start_x, step_x, image.width << kFractionBits);
    columns = Within(columns, start_y, step_y, image.height << kFractionBits);
    if (columns.begin >= columns.end) continue;
    int64_t source_x = start_x + columns.begin * step_x;
    int64_t source_y = start_y + columns.begin * step_y;
    const auto source = [&] {
      return image.row(source_y >> kFractionBits) + (source_x >> kFractionBits) * 3;
    };
    uint8_t* out = result.row(y) + columns.begin * 3;
    if (step_x == int64_t{1} << kFractionBits && step_y == 0) {
      std::memcpy(out, source(), static_cast<size_t>(columns.end - columns.begin) * 3);
      continue;
    }
    for (int64_t x = columns.begin; x < columns.end; ++x, out += 3) {
      std::memcpy(out, source(), 3);
      source_x += step_x;
      source_y += step_y;
    }
  }
  image = std::move(result);
}

double Half(int64_t side) { return static_cast<double>(side) * 0.5; }

// torchvision passes a shear in degrees.
double ShearAngle(double slope) { return ToRadians(ToDegrees(std::atan(slope))); }

void Translate(RgbImage& image, double x, double y) {
  TransformNearest(image, InverseMatrix(Half(image.width), Half(image.height), x, y, 0, 0));
}

}  // namespace

void ShearX(RgbImage& image, double slope) {
  TransformNearest(image, InverseMatrix(0, 0, 0, 0, ShearAngle(slope), 0));
}

void ShearY(RgbImage& image, double slope) {
  TransformNearest(image, InverseMatrix(0, 0, 0, 0, 0, ShearAngle(slope)));
}

void TranslateX(RgbImage& image, int64_t pixels) {
  Translate(image, static_cast<double>(pixels), 0);
}

void TranslateY(RgbImage& image, int64_t pixels) {
  Translate(image, 0, static_cast<double>(pixels));
}

void Rotate(RgbImage& image, double degrees) {
  TransformNearest(image, RotationMatrix(Half(image.width), Half(image.height), degrees));
}

}  // namespace semisup::augment
