#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kernels/device_api.h"

/// The CUDA backend is a module of its own (sinv_cuda.so) that the program opens when a device is asked for: on a
/// machine without driver, GPU or CUDA libraries the same program runs on the CPU and says so.
namespace sinv {

/// The module in use. Errors: Error if none was loaded.
const DeviceModule& device_module();
/// Opens the module beside the program, or in SINV_CUDA_MODULE if that is set; once for all.
/// Errors: UserError with one sentence: no such file, a library that it needs is missing, another build's module.
const DeviceModule& load_device_module();
/// The same of one file.
const DeviceModule& load_device_module(const std::string& path);
/// For tests: the module in use from now on; null: none. Returns the one before.
const DeviceModule* use_device_module(const DeviceModule* module);

/// What --device names.
struct DeviceChoice {
  Device device = Device::kCpu;
  int number = 0;    // of the GPU
  std::string note;  // one sentence for the user: what was found, or why not
};
/// `word`: auto, cpu, cuda or cuda:N. Loads and selects what it names; auto takes the CPU when there is no usable GPU.
/// bf16 on the CPU is for the whole process and must be chosen before its first operation (kernels/cpu/isa.h).
/// Errors: UserError for another word, with the reason when cuda is named and not usable, and for a precision that the
/// CPU, where it is taken, does not have.
DeviceChoice choose_device(const std::string& word, Precision precision = Precision::kFloat32);
/// Where this process learns and plays: what choose_device() took last, the CPU before.
Device chosen_device();

/// float32, tf32 or bf16. Errors: UserError.
Precision precision_named(std::string_view word);

/// What `info` says of the CPU: the precisions that it has.
std::string describe_cpu();
/// What `info` says: versions and every device, or why there is none. Throws nothing.
std::vector<std::string> describe_devices();

}  // namespace sinv
