#pragma once
#include <caffe2/serialize/read_adapter_interface.h>

#include <memory>
#include <string>
#include <vector>

namespace semisup {

// Checks a TorchScript archive before LibTorch reads it. Nothing in it is run. Throws
// std::runtime_error if reading or compiling it would take memory out of proportion to its size,
// read beyond its records, or overflow the stack.
//
// If `only_allowed_operators`, also throws ERR_SEMISUP_MODEL_UNSAFE if its code or its pickles name
// anything but known operators that compute with tensors.
//
// Returns the names of the extra files.
std::vector<std::string> CheckArchive(
    const std::shared_ptr<caffe2::serialize::ReadAdapterInterface>& archive,
    bool only_allowed_operators);

}  // namespace semisup
