#pragma once
#include <c10/core/Device.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace semisup {

// Waits until a device has done what this thread asked of it: then its failures are those of the
// call that asked, and other streams may read what it gave.
inline void AwaitDevice(c10::Device device) {
  if (device.is_cpu()) return;
  const c10::impl::VirtualGuardImpl guard(device.type());
  guard.synchronizeStream(guard.getStream(device));
}

}  // namespace semisup
