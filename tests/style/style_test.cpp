// Reads the tree as text and holds it to the rules of docs/architecture.md.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace sinv {
namespace {

namespace fs = std::filesystem;

struct Source {
  std::string path;  // inside the repository
  std::vector<std::string> lines;
};

const std::vector<Source>& sources() {
  static const std::vector<Source> all = [] {
    std::vector<Source> found;
    const fs::path root = SINV_SOURCE_DIR;
    for (const char* room : {"base", "kernels", "cabinet", "rom", "nn", "game", "bridge", "rl", "tools", "tests"}) {
      if (!fs::exists(root / room)) continue;
      for (const auto& entry : fs::recursive_directory_iterator(root / room)) {
        static const std::set<std::string> kKinds{".h", ".cpp", ".cu", ".cuh", ".asm", ".lua"};
        if (!entry.is_regular_file() || kKinds.count(entry.path().extension().string()) == 0) continue;
        Source source{fs::relative(entry.path(), root).string(), {}};
        std::ifstream in(entry.path());
        for (std::string line; std::getline(in, line);) source.lines.push_back(line);
        found.push_back(std::move(source));
      }
    }
    return found;
  }();
  return all;
}

std::string room_of(const std::string& path) { return path.substr(0, path.find('/')); }

// The edges that are allowed, complete. A room may always include itself.
const std::map<std::string, std::set<std::string>>& allowed() {
  static const std::map<std::string, std::set<std::string>> edges{
      {"base", {}},
      {"kernels", {"base"}},
      {"cabinet", {"base"}},
      {"rom", {}},
      {"nn", {"kernels", "base"}},
      {"game", {"cabinet", "base", "rom"}},  // rom: the generated header with the checksums of our own game
      {"bridge", {"cabinet", "base"}},
      {"rl", {"nn", "kernels", "game", "base"}},
      {"tools", {"rl", "nn", "kernels", "game", "bridge", "cabinet", "base", "rom"}},
  };
  return edges;
}

TEST(Style, TheTreeIsRead) { EXPECT_GT(sources().size(), 10U); }

TEST(Style, RoomsIncludeOnlyWhatTheHousePlanAllows) {
  static const std::regex kInclude("^\\s*#\\s*include\\s+\"([a-z_]+)/[^\"]*\"");
  for (const Source& source : sources()) {
    const std::string room = room_of(source.path);
    if (room == "tests") continue;
    for (const std::string& line : source.lines) {
      std::smatch match;
      if (!std::regex_search(line, match, kInclude)) continue;
      const std::string target = match[1];
      if (allowed().count(target) == 0 && target != "tests") continue;  // a vendor's folder
      EXPECT_TRUE(target == room || allowed().at(room).count(target) != 0)
          << source.path << " includes from " << target << ": " << line;
    }
  }
}

TEST(Style, VendorHeadersStayInTheirRoom) {
  const std::vector<std::pair<std::regex, std::set<std::string>>> rules{
      {std::regex("#include <(cuda|cudnn|cublas|oneapi/|dnnl|omp\\.h|cblas)"), {"kernels", "cabinet"}},
      {std::regex("#include <(uv\\.h|libwebsockets)"), {"bridge"}},
      {std::regex("#include <(CLI/|toml|png\\.h|cairo)"), {"tools"}},
  };
  for (const Source& source : sources()) {
    const std::string room = room_of(source.path);
    if (room == "tests") continue;
    for (const std::string& line : source.lines) {
      for (const auto& [pattern, rooms] : rules) {
        const bool misplaced = std::regex_search(line, pattern) && rooms.count(room) == 0;
        EXPECT_FALSE(misplaced) << source.path << ": " << line;
      }
    }
  }
}

TEST(Style, NoFileIsLongerThan500Lines) {
  static const std::set<std::string> kTables{};  // exempt by name: one table each
  for (const Source& source : sources()) {
    EXPECT_TRUE(source.lines.size() <= 500U || kTables.count(source.path) != 0)
        << source.path << " has " << source.lines.size() << " lines";
  }
}

// A folder that nobody adds is a test that nobody runs.
TEST(Style, EveryTestIsBuilt) {
  std::ifstream in(fs::path(SINV_BINARY_DIR) / "compile_commands.json");
  ASSERT_TRUE(in.good());
  const std::string commands{std::istreambuf_iterator<char>(in), {}};
  static const std::set<std::string> kElsewhere{"tests/bridge/fuzz_protocol.cpp"};  // clang only
  for (const Source& source : sources()) {
    if (room_of(source.path) != "tests" || fs::path(source.path).extension() != ".cpp") continue;
    if (kElsewhere.count(source.path) != 0) continue;
    EXPECT_NE(commands.find("/" + source.path), std::string::npos) << source.path << " is in no CMakeLists.txt";
  }
}

TEST(Style, HeadersHavePragmaOnce) {
  for (const Source& source : sources()) {
    if (fs::path(source.path).extension() != ".h") continue;
    const bool once = std::find(source.lines.begin(), source.lines.end(), "#pragma once") != source.lines.end();
    EXPECT_TRUE(once) << source.path;
  }
}

TEST(Style, NothingIsLeftForLater) {
  const std::regex left(
      "\\b(TO"
      "DO|FIX"
      "ME|X"
      "XX|HA"
      "CK)\\b");
  for (const Source& source : sources()) {
    for (const std::string& line : source.lines)
      EXPECT_FALSE(std::regex_search(line, left)) << source.path << ": " << line;
  }
}

TEST(Style, NamesOfFilesAreSnakeCase) {
  static const std::regex kName("[a-z0-9_]+\\.[a-z]+");
  for (const Source& source : sources()) {
    const std::string name = fs::path(source.path).filename().string();
    if (name == "cublasLt.h" || name == "nvToolsExt.h") continue;  // stand in for a vendor's headers
    EXPECT_TRUE(std::regex_match(name, kName)) << source.path;
  }
}

}  // namespace
}  // namespace sinv
