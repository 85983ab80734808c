#include "kernels/cpu/isa.h"

#include <cstdlib>
#include <string>

#include "base/error.h"

namespace sinv {
namespace {

const IsaKernels& best() {
#if defined(SINV_X86)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq")) {
    return kIsaAvx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return kIsaAvx2;
#endif
  return kIsaBase;
}

const IsaKernels& chosen() {
  const char* word = std::getenv("SINV_ISA");
  if (word == nullptr || *word == '\0') return best();
  const std::string name(word);
  if (name == "base") return kIsaBase;
#if defined(SINV_X86)
  if (name == "avx2" && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return kIsaAvx2;
  if (name == "avx512" && &best() == &kIsaAvx512) return kIsaAvx512;
#endif
  throw UserError(
      text("SINV_ISA=", name, ": this machine runs ", best().name, " and what is below it; known: base, avx2, avx512"));
}

}  // namespace

const IsaKernels& isa() {
  static const IsaKernels& table = chosen();
  return table;
}

}  // namespace sinv
