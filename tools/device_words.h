#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "kernels/device_module.h"

namespace sinv {

/// The words that choose where a command computes.
struct DeviceWords {
  std::string device = "auto";
  std::string precision = "float32";
};

/// Adds --device and --precision.
void declare_device(CLI::App& app, DeviceWords& words);
/// Takes the device for this process. Errors: UserError: an unknown word, or why the named device cannot be used.
DeviceChoice take_device(const DeviceWords& words);

}  // namespace sinv
