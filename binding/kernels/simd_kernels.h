#pragma once
#include <cstdint>

#include "kernels/bfloat16/bfloat16.h"

namespace semisup::kernels {

struct Activation;
struct ActivationRows;
struct AffineRows;
struct BinaryRows;
struct DepthwiseBlock;
struct DirectBlock;
template <class T>
struct DotRows;
struct GroupedBlock;
struct LayerNormRows;
struct Range;
template <class T>
struct PoolWindow;
template <class Weight>
struct PointwiseBlock;
struct WinogradBlock;

// The kernels for one instruction set, which all compile from the same source, and the layout of
// the weights that they read.
struct SimdKernels {
  // The float32 elements of a vector.
  int64_t vector_width;
  // The output channels of a packed panel of weights, of pointwise and direct convolutions.
  int64_t panel;
  // At most, of Winograd convolutions.
  int64_t winograd_panel;

  void (*run_pointwise_block)(const PointwiseBlock<float>& block);
  void (*run_pointwise_block_bfloat16)(const PointwiseBlock<BFloat16>& block);
  void (*run_direct_block)(const DirectBlock& block);
  void (*run_grouped_block)(const GroupedBlock& block);
  void (*run_depthwise_block)(const DepthwiseBlock& block);
  void (*run_winograd_block)(const WinogradBlock& block);
  // Writes the maximum of each channel; NaN if any element of the channel is NaN.
  void (*max_of_window)(const PoolWindow<float>& window, float* maxima);
  void (*max_of_window_bfloat16)(const PoolWindow<BFloat16>& window, BFloat16* maxima);
  // Writes the sum of each channel divided by `divisor`.
  void (*mean_of_window)(const PoolWindow<float>& window, float divisor, float* means);
  void (*activate)(const Activation& activation, const ActivationRows& rows);
  // These compute the rows `rows`.
  void (*combine)(const BinaryRows& operands, const Range& rows);
  void (*scale_and_shift)(const AffineRows& operands, const Range& rows);
  void (*normalize)(const LayerNormRows& operands, const Range& rows);
  void (*dot_rows)(const DotRows<float>& block);
  void (*dot_rows_bfloat16)(const DotRows<BFloat16>& block);
};

// Those for the instruction set in use; null if there are none for it.
const SimdKernels* ActiveKernels();

}  // namespace semisup::kernels
