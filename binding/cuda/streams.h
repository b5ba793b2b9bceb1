#pragma once
#include <c10/core/Device.h>
#include <cuda_runtime_api.h>

namespace semisup::gpu {

// Graphs are recorded on some streams only: what another thread asks of a stream meanwhile would
// become part of the graph.
enum class StreamUse { kRecording, kOther };

// A stream of our own, which no one else has; not of LibTorch's pool, which gives one to several.
cudaStream_t TakeStream(c10::DeviceIndex device, StreamUse use);
// For the next one who takes. Streams are never destroyed: LibTorch keeps workspaces by them, and
// asks them when memory is freed that they have used.
void GiveStream(c10::DeviceIndex device, StreamUse use, cudaStream_t stream);

}  // namespace semisup::gpu
