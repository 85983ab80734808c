#include "kernels/device_module.h"

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <mutex>
#include <system_error>

#include "kernels/cpu/isa.h"

namespace sinv {
namespace {

constexpr const char* kFile = "sinv_cuda.so";
constexpr const char* kRunOnCpu = "run with --device cpu";

std::atomic<const DeviceModule*>& in_use() {
  static std::atomic<const DeviceModule*> module{nullptr};
  return module;
}

std::atomic<Device>& chosen() {
  static std::atomic<Device> device{Device::kCpu};
  return device;
}

std::string module_path() {
  if (const char* given = std::getenv("SINV_CUDA_MODULE"); given != nullptr && *given != '\0') return given;
  std::error_code ignored;
  return (std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / kFile).string();
}

std::string dotted(int version) { return text(version / 1000, '.', version % 1000 / 10); }

std::string dotted_library(std::size_t version, std::size_t major) {
  return text(version / major, '.', version % major / 100, '.', version % 100);
}

std::string name_of(const DeviceFacts& facts, int number) {
  return text("cuda:", number, " ", facts.name, ", compute capability ", facts.major, '.', facts.minor, ", ",
              facts.memory_bytes >> 20U, " MiB, ", facts.multiprocessors, " multiprocessors");
}

// Opening the module costs 0.1 s and 200 MB, so auto looks for the driver's library first. The module's own answer to
// the same question is the same sentence.
bool has_no_driver() {
  std::error_code ignored;
  if (!std::filesystem::exists(module_path(), ignored)) return false;  // the reason is another
  void* driver = ::dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (driver == nullptr) return true;
  ::dlclose(driver);
  return false;
}

// The N of cuda:N; -1: `word` is something else.
int number_of(const std::string& word) {
  if (word == "cuda") return 0;
  if (word.rfind("cuda:", 0) != 0) return -1;
  int number = -1;
  const char* end = word.data() + word.size();
  const auto [last, error] = std::from_chars(word.data() + 5, end, number);
  return error == std::errc{} && last == end ? number : -1;
}

DeviceChoice choose_cuda(int number, Precision precision) {
  const DeviceServices& services = load_device_module().services;
  const int count = services.count();
  if (number >= count) {
    throw UserError(text("device cuda:", number, ": this machine has ", count, count == 1 ? " GPU" : " GPUs",
                         ", cuda:0", count == 1 ? "" : text(" to cuda:", count - 1)));
  }
  services.select(number, precision);
  return {Device::kCuda, number, "device " + name_of(services.facts(number), number)};
}

}  // namespace

const DeviceModule& device_module() {
  const DeviceModule* module = in_use().load(std::memory_order_acquire);
  if (module == nullptr) throw Error(text("device cuda: no device module is loaded; ", kRunOnCpu));
  return *module;
}

const DeviceModule* use_device_module(const DeviceModule* module) {
  return in_use().exchange(module, std::memory_order_acq_rel);
}

const DeviceModule& load_device_module(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    throw UserError(text("device cuda: this build has no CUDA module (", path,
                         " is not there); build it with nvcc, or ", kRunOnCpu));
  }
  // Never closed: the CUDA runtime does not survive it, and the table's functions live there.
  void* file = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (file == nullptr) throw UserError(text("device cuda: ", ::dlerror(), "; install it, or ", kRunOnCpu));
  const auto* module = static_cast<const DeviceModule*>(::dlsym(file, kDeviceModuleSymbol));
  if (module == nullptr || module->abi != device_abi()) {
    throw UserError(
        text("device cuda: ", path, " belongs to another build of sinv_engine; build both again, or ", kRunOnCpu));
  }
  use_device_module(module);
  return *module;
}

const DeviceModule& load_device_module() {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  const DeviceModule* module = in_use().load(std::memory_order_acquire);
  return module != nullptr ? *module : load_device_module(module_path());
}

Device chosen_device() { return chosen().load(std::memory_order_acquire); }

namespace {

DeviceChoice choose_cpu(Precision precision, const std::string& why) {
  if (precision == Precision::kTf32) {
    throw UserError(
        "precision tf32 on device cpu: only a GPU multiplies tf32; run with --precision float32, or on a GPU with "
        "--device cuda");
  }
  if (precision == Precision::kBf16) use_bf16_products();
  return {Device::kCpu, 0, text("device cpu", precision == Precision::kBf16 ? ", products of bf16" : "", why)};
}

DeviceChoice choose(const std::string& word, Precision precision) {
  if (word == "cpu") return choose_cpu(precision, "");
  if (word == "auto") {
    if (in_use().load() == nullptr && has_no_driver()) {
      return choose_cpu(precision, " (device cuda: this machine has no NVIDIA driver)");
    }
    std::string reason;
    try {
      return choose_cuda(0, precision);
    } catch (const UserError& error) {
      reason = error.what();
    }
    return choose_cpu(precision, text(" (", reason.substr(0, reason.rfind("; ")), ')'));  // without the advice
  }
  const int number = number_of(word);
  if (number < 0) throw UserError(text("device \"", word, "\" is not known; known: auto, cpu, cuda, cuda:N"));
  return choose_cuda(number, precision);
}

}  // namespace

DeviceChoice choose_device(const std::string& word, Precision precision) {
  DeviceChoice choice = choose(word, precision);
  chosen().store(choice.device, std::memory_order_release);
  return choice;
}

Precision precision_named(std::string_view word) {
  if (word == "float32") return Precision::kFloat32;
  if (word == "tf32") return Precision::kTf32;
  if (word == "bf16") return Precision::kBf16;
  throw UserError(unknown_name("precision", word, {"float32", "tf32", "bf16"}));
}

std::string describe_cpu() {
  return has_bf16_products() ? "cpu, precision float32 or bf16"
                             : "cpu, precision float32 (bf16 wants a processor with AVX512_BF16)";
}

std::vector<std::string> describe_devices() {
  std::vector<std::string> lines;
  try {
    const DeviceServices& services = load_device_module().services;
    const DeviceVersions versions = services.versions();
    lines.push_back(text("CUDA ", dotted(versions.runtime), ", driver ",
                         versions.driver == 0 ? "none" : "for CUDA " + dotted(versions.driver), ", cuBLAS ",
                         dotted_library(versions.blas, 10000), ", cuDNN ", dotted_library(versions.dnn, 10000)));
    const int count = services.count();
    for (int i = 0; i < count; ++i) lines.push_back(name_of(services.facts(i), i));
  } catch (const std::exception& error) {
    lines.emplace_back(error.what());
  }
  return lines;
}

}  // namespace sinv
