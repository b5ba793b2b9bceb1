#pragma once
#include <c10/core/Device.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace semisup {

// Waits until the device has completed the work that this thread submitted to its current stream. A
// failure then surfaces in the call that caused it, and other streams may read the results.
inline void AwaitDevice(c10::Device device) {
  if (device.is_cpu()) return;
  const c10::impl::VirtualGuardImpl guard(device.type());
  guard.synchronizeStream(guard.getStream(device));
}

}  // namespace semisup
