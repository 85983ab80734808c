#include "kernels/cpu/isa.h"

#include <atomic>
#include <cstdlib>
#include <string>

#include "base/error.h"

namespace sinv {
namespace {

// What isa() gives; null before its first call or use_bf16_products().
constinit std::atomic<const IsaKernels*> in_use{nullptr};

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

bool processor_has_bf16() {
#if defined(SINV_X86)
  return &best() == &kIsaAvx512 && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

std::string asked() {
  const char* word = std::getenv("SINV_ISA");
  return word == nullptr ? "" : word;
}

const IsaKernels& chosen() {
  const std::string name = asked();
  if (name.empty()) return best();
  if (name == "base") return kIsaBase;
#if defined(SINV_X86)
  if (name == "avx2" && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return kIsaAvx2;
  if (name == "avx512" && &best() == &kIsaAvx512) return kIsaAvx512;
  if (name == "avx512-bf16" && processor_has_bf16()) return kIsaAvx512Bf16;
#endif
  throw UserError(text("SINV_ISA=", name, ": this machine runs ", processor_has_bf16() ? "avx512-bf16" : best().name,
                       " and what is below it; known: base, avx2, avx512, avx512-bf16"));
}

}  // namespace

const IsaKernels& isa() {
  const IsaKernels* table = in_use.load(std::memory_order_acquire);
  if (table != nullptr) return *table;
  const IsaKernels* wanted = &chosen();
  return in_use.compare_exchange_strong(table, wanted) ? *wanted : *table;
}

bool has_bf16_products() { return processor_has_bf16() && (asked().empty() || asked() == "avx512-bf16"); }

void use_bf16_products() {
  if (!has_bf16_products()) {
    const std::string found = processor_has_bf16() ? text("SINV_ISA=", asked(), " asks for less")
                                                   : text("this processor has no AVX512_BF16 (", best().name, ")");
    throw UserError(text("precision bf16 on device cpu: ", found,
                         "; run with --precision float32, or on a GPU with --device cuda"));
  }
#if defined(SINV_X86)
  const IsaKernels* before = nullptr;
  const bool first = in_use.compare_exchange_strong(before, &kIsaAvx512Bf16);
  SINV_CHECK(first || before == &kIsaAvx512Bf16, "use_bf16_products: this process already computes with ", before->name,
             "; choose the precision before the first operation");
#endif
}

}  // namespace sinv
