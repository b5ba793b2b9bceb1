#include "image/transform.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "image/rgb.h"

namespace semisup {
namespace {

// Pillow's fixed-point format: 8-bit samples times 22-bit weights. Their sum fits in 32 bits,
// although the positive weights of the cubic kernel add up to more than 1.
constexpr int kWeightBits = 22;
constexpr int32_t kHalf = int32_t{1} << (kWeightBits - 1);

uint8_t ToSample(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> kWeightBits, 0, 255));
}

// A kernel of Pillow: its weight at a distance from the center, and the distance where it ends.
struct Filter {
  double (*weight)(double distance);
  double support;
};

double TriangleWeight(double distance) { return distance < 1.0 ? 1.0 - distance : 0.0; }

// Keys' cubic convolution with a = -0.5.
double CubicWeight(double distance) {
  constexpr double a = -0.5;
  if (distance < 1.0) return ((a + 2.0) * distance - (a + 3.0)) * distance * distance + 1;
  if (distance < 2.0) return (((distance - 5) * distance + 8) * distance - 4) * a;
  return 0.0;
}

Filter FilterOf(Interpolation interpolation) {
  if (interpolation == Interpolation::kBicubic) return {&CubicWeight, 2.0};
  return {&TriangleWeight, 1.0};
}

// The outputs of one dimension that views show, ascending: views that overlap share outputs, and
// what is between views, which in a long image is most of it, is not computed.
std::vector<int64_t> OutputsOf(std::vector<int64_t> starts, int64_t crop) {
  std::sort(starts.begin(), starts.end());
  std::vector<int64_t> outputs;
  for (const int64_t start : starts) {
    int64_t output = outputs.empty() ? start : std::max(start, outputs.back() + 1);
    for (; output < start + crop; ++output) outputs.push_back(output);
  }
  return outputs;
}

// The resampling weights of one dimension, for the outputs that views show: each is a weighted
// sum of `count` inputs starting at `first`. If the size does not change, a single weight is 1 and
// the sum equals the sample, so that dimension needs no special case.
struct Axis {
  struct Span {
    int64_t first;
    int count;
    const int32_t* weights;
  };

  Axis(int64_t size, int64_t resized, std::vector<int64_t> outputs, const Filter& filter);
  Axis(const Axis&) = delete;

  // The position of an output in `spans`.
  size_t IndexOf(int64_t output) const {
    return static_cast<size_t>(std::lower_bound(outputs_.begin(), outputs_.end(), output) -
                               outputs_.begin());
  }

  // The largest `count`.
  int max_taps = 0;
  std::vector<Span> spans;

 private:
  std::vector<int64_t> outputs_;
  std::vector<int32_t> weights_;
};

// Performs exactly Pillow's floating-point operations in Pillow's order, because the weights depend
// on the rounding of each. For the same reason this file is compiled with -ffp-contract=off, which
// prevents fused multiply-adds.
Axis::Axis(int64_t size, int64_t resized, std::vector<int64_t> outputs, const Filter& filter)
    : outputs_(std::move(outputs)) {
  const double scale = static_cast<double>(size) / static_cast<double>(resized);
  const double filter_scale = std::max(scale, 1.0);
  const double support = filter.support * filter_scale;
  const double inverse = 1.0 / filter_scale;
  const auto capacity = static_cast<size_t>(std::ceil(support)) * 2 + 1;

  weights_.resize(outputs_.size() * capacity);
  spans.reserve(outputs_.size());
  std::vector<double> exact(capacity);
  int32_t* fixed = weights_.data();
  for (const int64_t output : outputs_) {
    const double center = (static_cast<double>(output) + 0.5) * scale;
    const auto first = std::max<int64_t>(static_cast<int64_t>(center - support + 0.5), 0);
    const auto last = std::min<int64_t>(static_cast<int64_t>(center + support + 0.5), size);
    const int count = static_cast<int>(last - first);
    double sum = 0;
    for (int tap = 0; tap < count; ++tap) {
      const double distance = std::abs((static_cast<double>(first + tap) - center + 0.5) * inverse);
      exact[tap] = filter.weight(distance);
      sum += exact[tap];
    }
    for (int tap = 0; tap < count; ++tap) {
      if (sum != 0) exact[tap] /= sum;
      const double half = exact[tap] < 0 ? -0.5 : 0.5;
      fixed[tap] = static_cast<int32_t>(half + exact[tap] * (1 << kWeightBits));
    }
    spans.push_back({first, count, fixed});
    fixed += capacity;
    max_taps = std::max(max_taps, count);
  }
}

// Resizes a row with `stride` samples per pixel to the columns of an axis. Writes planar RGB.
template <int stride>
void ResizeRow(const uint8_t* row, const Axis& columns, uint8_t* out) {
  const auto width = columns.spans.size();
  for (size_t x = 0; x < width; ++x) {
    const Axis::Span& span = columns.spans[x];
    const uint8_t* pixel = row + span.first * stride;
    if constexpr (stride < 3) {
      int32_t gray = kHalf;
      for (int tap = 0; tap < span.count; ++tap, pixel += stride) {
        gray += span.weights[tap] * pixel[0];
      }
      out[x] = ToSample(gray);
    } else {
      int32_t red = kHalf, green = kHalf, blue = kHalf;
      for (int tap = 0; tap < span.count; ++tap, pixel += stride) {
        const int32_t weight = span.weights[tap];
        red += weight * pixel[0];
        green += weight * pixel[1];
        blue += weight * pixel[2];
      }
      out[x] = ToSample(red);
      out[x + width] = ToSample(green);
      out[x + 2 * width] = ToSample(blue);
    }
  }
  if constexpr (stride < 3) {
    std::memcpy(out + width, out, width);
    std::memcpy(out + 2 * width, out, width);
  }
}

void ResizeRow(const uint8_t* row, int channels, const Axis& columns, uint8_t* out) {
  switch (channels) {
    case 1:
      return ResizeRow<1>(row, columns, out);
    case 2:
      return ResizeRow<2>(row, columns, out);
    case 3:
      return ResizeRow<3>(row, columns, out);
    case 4:
      return ResizeRow<4>(row, columns, out);
  }
}

// Computes the weighted sum of rows, sample by sample; `row(y)` returns the first sample of row y.
class RowBlender {
 public:
  explicit RowBlender(size_t samples) : sums_(samples), blended_(samples) {}

  template <class Row>
  const uint8_t* operator()(const Axis::Span& span, const Row& row) {
    std::fill(sums_.begin(), sums_.end(), kHalf);
    for (int tap = 0; tap < span.count; ++tap) {
      const uint8_t* samples = row(span.first + tap);
      const int32_t weight = span.weights[tap];
      for (size_t i = 0; i < sums_.size(); ++i) sums_[i] += weight * samples[i];
    }
    for (size_t i = 0; i < sums_.size(); ++i) blended_[i] = ToSample(sums_[i]);
    return blended_.data();
  }

 private:
  std::vector<int32_t> sums_;
  std::vector<uint8_t> blended_;
};

// Receives row y of an axis: its red samples, then green, then blue.
using LineCallback = std::function<void(const uint8_t* line, size_t y)>;

// Receives row y of a view, likewise.
using RowCallback = std::function<void(const uint8_t* line, size_t view, size_t y)>;

// Keeps only the resized rows that one output row needs, in a ring buffer, so that the memory does
// not grow with the height of the image.
void ResizeHorizontallyFirst(const PixelView& image, const Axis& columns, const Axis& rows,
                             const LineCallback& on_line) {
  const size_t samples = 3 * columns.spans.size();
  std::vector<uint8_t> ring(samples * static_cast<size_t>(rows.max_taps));
  const auto row = [&](int64_t y) {
    return &ring[static_cast<size_t>(y % rows.max_taps) * samples];
  };
  RowBlender blend(samples);
  int64_t next = 0;
  for (size_t y = 0; y < rows.spans.size(); ++y) {
    const Axis::Span& span = rows.spans[y];
    for (next = std::max(next, span.first); next < span.first + span.count; ++next) {
      ResizeRow(image.data + next * image.width * image.channels, image.channels, columns,
                row(next));
    }
    on_line(blend(span, row), y);
  }
}

void ResizeVerticallyFirst(const PixelView& image, const Axis& columns, const Axis& rows,
                           const LineCallback& on_line) {
  const auto width = static_cast<size_t>(image.width * image.channels);
  const auto row = [&](int64_t y) { return image.data + static_cast<size_t>(y) * width; };
  RowBlender blend(width);
  std::vector<uint8_t> line(3 * columns.spans.size());
  for (size_t y = 0; y < rows.spans.size(); ++y) {
    ResizeRow(blend(rows.spans[y], row), image.channels, columns, line.data());
    on_line(line.data(), y);
  }
}

// Resizes to width x height pixels, of which the axes have the outputs.
void Resize(const PixelView& image, int64_t width, int64_t height, const Axis& columns,
            const Axis& rows, const LineCallback& on_line) {
  // The order affects rounding. Since version 13, Pillow resizes vertically first if the height
  // shrinks by more than twice as many pixels as the width.
  const int64_t removed_rows = image.height - height;
  const bool vertical_first = removed_rows > 0 && removed_rows > 2 * (image.width - width);
  const auto resize = vertical_first ? ResizeVerticallyFirst : ResizeHorizontallyFirst;
  resize(image, columns, rows, on_line);
}

bool IsWithin(int64_t size, int64_t most) { return size >= 1 && size <= most; }

// Sizes within this limit have products that do not overflow.
constexpr int64_t kMaxSide = int64_t{1} << 31;

void Check(const PixelView& image) {
  if (!IsWithin(image.width, kMaxSide) || !IsWithin(image.height, kMaxSide) ||
      !IsWithin(image.channels, 4) || (image.cmyk && image.channels != 4)) {
    throw std::invalid_argument("The width, height or channels of an image are out of range.");
  }
}

void Check(const PixelView& image, const TransformSpec& spec) {
  Check(image);
  if (!IsWithin(spec.resize, kMaxSide) || !IsWithin(spec.crop, spec.resize)) {
    throw std::invalid_argument("The crop of a transform is not within 1 and its resize.");
  }
}

// Interleaves a row of planar RGB.
void Interleave(const uint8_t* line, size_t width, uint8_t* pixels) {
  for (size_t x = 0; x < width; ++x) {
    for (size_t c = 0; c < 3; ++c) pixels[3 * x + c] = line[c * width + x];
  }
}

// Passes each row of each view to `on_row`, with its columns in their order.
class RowsOfViews {
 public:
  RowsOfViews(const std::vector<View>& views, int64_t crop, const Axis& columns, const Axis& rows,
              const RowCallback& on_row)
      : width_(columns.spans.size()),
        crop_(static_cast<size_t>(crop)),
        on_row_(on_row),
        line_(3 * crop_) {
    for (const View& view : views) {
      placed_.push_back({columns.IndexOf(view.left), rows.IndexOf(view.top), view.is_mirrored});
    }
  }

  void operator()(const uint8_t* line, size_t y) {
    for (size_t i = 0; i < placed_.size(); ++i) {
      const Placed& view = placed_[i];
      if (y < view.row || y - view.row >= crop_) continue;
      for (size_t c = 0; c < 3; ++c) {
        const uint8_t* samples = line + c * width_ + view.column;
        uint8_t* out = &line_[c * crop_];
        if (view.is_mirrored) {
          std::reverse_copy(samples, samples + crop_, out);
        } else {
          std::copy_n(samples, crop_, out);
        }
      }
      on_row_(line_.data(), i, y - view.row);
    }
  }

 private:
  // The position of a view's first column and row in their axes.
  struct Placed {
    size_t column, row;
    bool is_mirrored;
  };

  const size_t width_, crop_;
  const RowCallback& on_row_;
  std::vector<uint8_t> line_;
  std::vector<Placed> placed_;
};

void ResizeAndCrop(const PixelView& image, const TransformSpec& spec, const RowCallback& on_row) {
  Check(image, spec);
  if (image.cmyk) {
    const int64_t pixels = image.width * image.height;
    std::vector<uint8_t> rgb(static_cast<size_t>(pixels) * 3);
    ToRgb(image.data, pixels, image.channels, image.cmyk, rgb.data());
    return ResizeAndCrop({rgb.data(), image.width, image.height, 3, false}, spec, on_row);
  }
  const int64_t shorter = std::min(image.width, image.height);
  const int64_t width = spec.resize * image.width / shorter;
  const int64_t height = spec.resize * image.height / shorter;
  const std::vector<View> views = ViewsOf(spec.views, width, height, spec.crop);
  std::vector<int64_t> lefts, tops;
  for (const View& view : views) {
    lefts.push_back(view.left);
    tops.push_back(view.top);
  }
  const Filter filter = FilterOf(spec.interpolation);
  const Axis columns(image.width, width, OutputsOf(std::move(lefts), spec.crop), filter);
  const Axis rows(image.height, height, OutputsOf(std::move(tops), spec.crop), filter);
  RowsOfViews on_line(views, spec.crop, columns, rows, on_row);
  Resize(image, width, height, columns, rows, std::ref(on_line));
}

}  // namespace

void Transform(const PixelView& image, const TransformSpec& spec, float* out) {
  const auto side = static_cast<size_t>(spec.crop);
  ResizeAndCrop(image, spec, [&](const uint8_t* line, size_t view, size_t y) {
    for (size_t c = 0; c < 3; ++c) {
      const uint8_t* samples = line + c * side;
      float* values = out + ((view * 3 + c) * side + y) * side;
      for (size_t x = 0; x < side; ++x) {
        values[x] = (static_cast<float>(samples[x]) / 255.0f - spec.mean[c]) / spec.std[c];
      }
    }
  });
}

void TransformToBytes(const PixelView& image, const TransformSpec& spec, uint8_t* out) {
  const auto side = static_cast<size_t>(spec.crop);
  ResizeAndCrop(image, spec, [&](const uint8_t* line, size_t view, size_t y) {
    Interleave(line, side, out + (view * side + y) * side * 3);
  });
}

void ResizeToBytes(const PixelView& image, int64_t width, int64_t height,
                   Interpolation interpolation, uint8_t* out) {
  Check(image);
  const Filter filter = FilterOf(interpolation);
  const Axis columns(image.width, width, OutputsOf({0}, width), filter);
  const Axis rows(image.height, height, OutputsOf({0}, height), filter);
  const auto side = static_cast<size_t>(width);
  Resize(image, width, height, columns, rows,
         [&](const uint8_t* line, size_t y) { Interleave(line, side, out + y * side * 3); });
}

}  // namespace semisup
