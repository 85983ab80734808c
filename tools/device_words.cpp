#include "tools/device_words.h"

namespace sinv {

void declare_device(CLI::App& app, DeviceWords& words) {
  app.add_option("--device", words.device,
                 "where networks are computed: auto (a GPU if there is one), cpu, cuda, cuda:N")
      ->capture_default_str();
  app.add_option("--precision", words.precision,
                 "of matrix products: float32, or for speed bf16 (GPUs, and CPUs with AVX512_BF16) or tf32 (GPUs); the "
                 "rest is float32 always")
      ->capture_default_str();
}

DeviceChoice take_device(const DeviceWords& words) {
  return choose_device(words.device, precision_named(words.precision));
}

}  // namespace sinv
