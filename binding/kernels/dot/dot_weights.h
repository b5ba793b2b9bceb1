#pragma once
#include <cstdint>
#include <utility>

#include "kernels/buffer.h"
#include "kernels/convolution_shape.h"
#include "kernels/dot/dot_panel.h"
#include "kernels/parallel.h"

namespace semisup::kernels {

// The packed weights of a convolution, which must have one group and whole panels of outputs.
template <class Weight>
class PackedDotWeights {
 public:
  // `weight`: [output_channels, input_channels, rows, columns], contiguous. index_of(output): the
  // position of an output channel.
  template <class IndexOf>
  PackedDotWeights(const Weight* weight, const ConvolutionShape& shape, const DotPanel& panel,
                   const IndexOf& index_of)
      : panel_(panel),
        rows_(shape.kernel[0]),
        row_size_(shape.kernel[1] * shape.input_channels),
        data_(PackedSize(shape), Weight{}) {
    const int64_t inputs = shape.input_channels;
    const int64_t columns = shape.kernel[1];
    const int64_t channels = panel.channels();
    const int64_t lane = panel.template lane_elements<Weight>();
    const int64_t panel_row = layout(nullptr).panel_size() / rows_;
    ParallelFor(shape.output_channels, panel.sums, [&](int64_t begin, int64_t end, int64_t) {
      for (int64_t o = begin; o < end; o++) {
        const int64_t index = index_of(o);
        for (int64_t y = 0; y < rows_; y++) {
          Weight* row =
              data_.data() + (index / channels * rows_ + y) * panel_row + index % channels * lane;
          for (int64_t i = 0; i < row_size_; i++) {
            row[i / lane * channels * lane + i % lane] =
                weight[((o * inputs + i % inputs) * rows_ + y) * columns + i / inputs];
          }
        }
      }
    });
  }

  // `packed`: the packed() of such weights. Throws std::invalid_argument for another size.
  PackedDotWeights(Buffer<Weight> packed, const ConvolutionShape& shape, const DotPanel& panel)
      : panel_(panel),
        rows_(shape.kernel[0]),
        row_size_(shape.kernel[1] * shape.input_channels),
        data_(std::move(packed)) {
    CheckPacked(data_, PackedSize(shape));
  }

  const Buffer<Weight>& packed() const { return data_; }
  DotWeights<Weight> layout() const { return layout(data_.data()); }

 private:
  // AMX reads 16 lanes at a time, and multiplies those beyond the last one by 0.
  static constexpr int64_t kPaddingLanes = 16;

  int64_t PackedSize(const ConvolutionShape& shape) const {
    return shape.output_channels / panel_.channels() * layout(nullptr).panel_size() +
           kPaddingLanes * panel_.channels() * panel_.template lane_elements<Weight>();
  }
  DotWeights<Weight> layout(const Weight* panels) const {
    return {panels, panel_, rows_, row_size_};
  }

  DotPanel panel_;
  int64_t rows_;
  int64_t row_size_;
  Buffer<Weight> data_;
};

}  // namespace semisup::kernels
