// The table at the end of tools/gpu_check.sh, from made-up figures.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <gmock/gmock.h>
#include <string>

#include "base/file.h"
#include "tests/support/folder.h"

namespace sinv {
namespace {

using ::testing::HasSubstr;

class GpuTable : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("python3 -c '' >/dev/null 2>&1") != 0) GTEST_SKIP() << "no python3";
  }
  void put(const char* name, const std::string& text) { write_file((folder_ / name).string(), std::string_view(text)); }
  // What it prints, runs of spaces as one.
  std::string table() {
    const std::string command = "python3 " SINV_SOURCE_DIR "/tools/gpu_table.py " + folder_.path().string() + " 2>&1";
    std::FILE* pipe = ::popen(command.c_str(), "r");
    std::string all;
    std::array<char, 256> part{};
    while (std::fgets(part.data(), part.size(), pipe) != nullptr) all += part.data();
    EXPECT_EQ(::pclose(pipe), 0) << all;
    std::string narrow;
    for (const char c : all) {
      if (c != ' ' || narrow.empty() || narrow.back() != ' ') narrow += c;
    }
    return narrow;
  }

 private:
  TestFolder folder_;
};

constexpr const char* kOurs =
    R"({"figures": {"dqn-mlp update, batch 256": 20000, "dqn-mlp acting, p50": 25, "dreamer update, 16 x 50": 30},
        "bandwidths": [["copy", 4000], ["adam_update", 3000], ["gru_forward 512", 1000]]})";

TEST_F(GpuTable, PutsOursBesidePeersAndGoals) {
  put("ours.json", kOurs);
  put("mlp_eager.json", R"({"results": [{"name": "train", "batch": 32, "per_s": {"median": 7}},
      {"name": "train", "batch": 256, "per_s": {"median": 1000}},
      {"name": "infer", "batch": 1, "latency_us": {"p50": 100, "p99": 200}}]})");
  put("mlp_graph.json", R"({"results": [{"name": "train", "batch": 256, "per_s": {"median": 16000}}]})");
  put("dreamer_graph.json", R"({"results": [{"name": "update", "batch": [16, 50], "per_s": {"median": 20}}]})");
  const std::string said = table();
  EXPECT_THAT(said, HasSubstr("dqn-mlp update, batch 256, eager 20000 1000 20 5 times ok\n"));
  EXPECT_THAT(said, HasSubstr("dqn-mlp update, batch 256, graph 20000 16000 1.25 1.3 times BELOW\n"));
  EXPECT_THAT(said, HasSubstr("dqn-mlp acting, p50 25 - - 30 us ok\n"));
  EXPECT_THAT(said, HasSubstr("dqn-mlp acting, p50, eager 25 100 4\n"));
  EXPECT_THAT(said, HasSubstr("dreamer update, 16 x 50 30 - - 40/s BELOW\n"));
  EXPECT_THAT(said, HasSubstr("dreamer update, 16 x 50, graph 30 20 1.5 1.3 times ok\n"));
  EXPECT_THAT(said, HasSubstr("adam_update 3000 4000 0.75 0.7 ok\n"));
  EXPECT_THAT(said, HasSubstr("gru_forward 512 1000 4000 0.25 0.7 BELOW\n"));
}

TEST_F(GpuTable, WhatIsNotThereIsADash) {
  put("ours.json", kOurs);
  put("cnn_eager.json", "cut off {");
  const std::string said = table();
  EXPECT_THAT(said, HasSubstr("dqn-mlp update, batch 256, eager 20000 - - 5 times\n"));
  EXPECT_THAT(said, HasSubstr("dqn-cnn update, batch 32 - - - 3000/s\n"));
}

TEST_F(GpuTable, WithoutBenchesItSaysSo) {
  EXPECT_THAT(table(), HasSubstr("no figures of ours: the benches did not run"));
}

}  // namespace
}  // namespace sinv
