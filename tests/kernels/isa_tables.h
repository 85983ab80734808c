#pragma once

#include <vector>

#include "kernels/cpu/isa.h"

namespace sinv {

/// The loops of every instruction set that this machine runs, with products in float32.
inline std::vector<const IsaKernels*> isa_tables() {
  std::vector<const IsaKernels*> all{&kIsaBase};
#if defined(SINV_X86)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    all.push_back(&kIsaAvx2);
    all.push_back(&kIsaAvx512Emulated);
  }
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq")) {
    all.push_back(&kIsaAvx512);
  }
#endif
  return all;
}

/// Those whose products round their inputs to bf16.
inline std::vector<const IsaKernels*> bf16_tables() {
  std::vector<const IsaKernels*> all;
#if defined(SINV_X86)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) all.push_back(&kIsaAvx512Bf16Emulated);
  if (__builtin_cpu_supports("avx512bf16") && isa_tables().back() == &kIsaAvx512) all.push_back(&kIsaAvx512Bf16);
#endif
  return all;
}

}  // namespace sinv
