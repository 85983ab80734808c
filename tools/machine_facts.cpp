#include "tools/machine_facts.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <sys/sysinfo.h>
#include <thread>
#include <unistd.h>

namespace sinv {

namespace {

std::string processor_name() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("model name", 0) == 0) {
      const std::size_t colon = line.find(": ");
      if (colon != std::string::npos) return line.substr(colon + 2);
    }
  }
  return "unknown";
}

std::string vector_unit() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) return "AVX-512";
  if (__builtin_cpu_supports("avx2")) return "AVX2";
  return "SSE2";
}

}  // namespace

nlohmann::json machine_facts() {
  struct sysinfo about {};
  ::sysinfo(&about);
  return {{"processor", processor_name()},
          {"cores", std::thread::hardware_concurrency()},
          {"vector_unit", vector_unit()},
          {"memory_mib", about.totalram * about.mem_unit / (1024 * 1024)},
          {"compiler", "g++ " __VERSION__}};
}

std::string find_piece(const std::string& name) {
  std::error_code ignored;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  const std::array<std::filesystem::path, 3> places{program / name, program / "../share/sinv_engine" / name,
                                                    std::filesystem::path(SINV_SOURCE_FOLDER) / name};
  for (const auto& place : places) {
    if (std::filesystem::exists(place, ignored)) return std::filesystem::weakly_canonical(place).string();
  }
  return "";
}

}  // namespace sinv
