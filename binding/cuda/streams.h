#pragma once
#include <c10/core/Device.h>
#include <cuda_runtime_api.h>

namespace semisup::gpu {

// Streams for graph capture are kept separate: work that another thread submits to a stream during
// a capture would become part of the graph.
enum class StreamUse { kCapture, kOther };

// Returns a stream for exclusive use. LibTorch's own pool is not used, because it hands out a
// stream more than once. Thread-safe.
cudaStream_t AcquireStream(c10::DeviceIndex device, StreamUse use);
// Makes the stream available to AcquireStream() again. Streams are never destroyed: LibTorch keys
// workspaces by them, and records events on the streams that have used a tensor when it is freed.
// Thread-safe.
void ReleaseStream(c10::DeviceIndex device, StreamUse use, cudaStream_t stream);

}  // namespace semisup::gpu
