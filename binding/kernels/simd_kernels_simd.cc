#include "kernels/gemm.h"
#include "kernels/simd_kernels.h"
#include "kernels/winograd/point_pairs.h"

namespace semisup::kernels::SEMISUP_SIMD {

void RunPointwiseBlock(const PointwiseBlock<float>& block);
void RunPointwiseBlock(const PointwiseBlock<BFloat16>& block);
void RunDirectBlock(const DirectBlock& block);
void RunGroupedBlock(const GroupedBlock& block);
void RunDepthwiseBlock(const DepthwiseBlock& block);
void RunWinogradBlock(const WinogradBlock& block);
void MaxOfWindow(const PoolWindow<float>& window, float* maxima);
void MaxOfWindow(const PoolWindow<BFloat16>& window, BFloat16* maxima);
void MeanOfWindow(const PoolWindow<float>& window, float divisor, float* means);
void Activate(const Activation& activation, const ActivationRows& rows);
void Combine(const BinaryRows& operands, const Range& rows);
void ScaleAndShift(const AffineRows& operands, const Range& rows);
void Normalize(const LayerNormRows& operands, const Range& rows);
void RunDotRows(const DotRows<float>& block);
void RunDotRows(const DotRows<BFloat16>& block);

extern const SimdKernels kKernels;
const SimdKernels kKernels{.vector_width = kVectorWidth,
                           .panel = kPanelVectors * kVectorWidth,
                           .winograd_panel = kWinogradVectors * kVectorWidth,
                           .run_pointwise_block = &RunPointwiseBlock,
                           .run_pointwise_block_bfloat16 = &RunPointwiseBlock,
                           .run_direct_block = &RunDirectBlock,
                           .run_grouped_block = &RunGroupedBlock,
                           .run_depthwise_block = &RunDepthwiseBlock,
                           .run_winograd_block = &RunWinogradBlock,
                           .max_of_window = &MaxOfWindow,
                           .max_of_window_bfloat16 = &MaxOfWindow,
                           .mean_of_window = &MeanOfWindow,
                           .activate = &Activate,
                           .combine = &Combine,
                           .scale_and_shift = &ScaleAndShift,
                           .normalize = &Normalize,
                           .dot_rows = &RunDotRows,
                           .dot_rows_bfloat16 = &RunDotRows};

}  // namespace semisup::kernels::SEMISUP_SIMD
