// libFuzzer: any bytes to the reader and the decoders of the bridge. Built with clang and -DSINV_FUZZ=ON; run as
// fuzz_protocol -runs=1000000.
#include "tests/bridge/any_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, unsigned long size);

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, unsigned long size) {
  sinv::mame::take_any_bytes(std::as_bytes(std::span(data, size)));
  return 0;
}
