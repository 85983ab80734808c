#include "tools/report/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/support/folder.h"
#include "tests/tools/report/run_files.h"
#include "tools/report/results_table.h"
#include "tools/report/training_figure.h"

namespace sinv {
namespace {

using testing::DoubleNear;
using testing::Each;
using testing::HasSubstr;

TEST(Comparison, SeedsGiveMeanAndInterquartileMean) {
  // Of eight values two fall off at either end: (3 + 4 + 5 + 6) / 4.
  const SeedFigure figure = over_seeds({1, 100, 3, 4, 5, 6, 2, 70});
  EXPECT_EQ(figure.count, 8);
  EXPECT_DOUBLE_EQ(figure.mean.value, 23.875);
  EXPECT_DOUBLE_EQ(figure.interquartile_mean.value, 4.5);
  EXPECT_LT(figure.mean.low, figure.mean.value);
  EXPECT_GT(figure.mean.high, figure.mean.value);
  EXPECT_LT(figure.interquartile_mean.high, 100);
}

// The mean of n values of deviation s varies by s sqrt((n - 1) / n) / sqrt(n) over resamples; 10,000 of them and 30
// values are normal enough for 1.96 of that within a tenth.
TEST(Comparison, TheBootstrapIntervalIsThatOfTheMean) {
  std::vector<double> values;
  for (int i = 0; i < 30; ++i) values.push_back(i);
  const SeedFigure figure = over_seeds(values);
  const double deviation = std::sqrt((30.0 * 30.0 - 1) / 12) / std::sqrt(30.0);
  EXPECT_NEAR(figure.mean.high - figure.mean.value, 1.96 * deviation, 0.1 * 1.96 * deviation);
  EXPECT_NEAR(figure.mean.value - figure.mean.low, 1.96 * deviation, 0.1 * 1.96 * deviation);
  EXPECT_EQ(over_seeds(values).mean.low, figure.mean.low);
  EXPECT_NE(over_seeds(values, 2).mean.low, figure.mean.low);
}

TEST(Comparison, OneSeedHasNoInterval) {
  const SeedFigure figure = over_seeds({7});
  EXPECT_EQ(figure.mean.low, 7);
  EXPECT_EQ(figure.mean.high, 7);
  EXPECT_EQ(over_seeds({}).count, 0);
}

TEST(Comparison, BetweenRecordsTheScoreIsAStraightLine) {
  TestFolder folder;
  const RunHistory run = read_run(write_run(folder / "a", "1", 4, 100, 50));
  EXPECT_DOUBLE_EQ(score_at_frames(run, 1000).value(), 100);
  EXPECT_DOUBLE_EQ(score_at_frames(run, 2500).value(), 175);
  EXPECT_DOUBLE_EQ(score_at_seconds(run, 90).value(), 125);
  EXPECT_FALSE(score_at_frames(run, 999).has_value());
  EXPECT_FALSE(score_at_frames(run, 4001).has_value());
}

TEST(Comparison, RunsThatDifferInTheSeedFormOneRow) {
  TestFolder folder;
  std::vector<RunHistory> runs;
  runs.push_back(read_run(write_run(folder / "a", "1", 4, 100, 50)));
  runs.push_back(read_run(write_run(folder / "b", "2", 3, 300, 50, "minutes = 3\n")));
  runs.push_back(read_run(write_run(folder / "c", "1", 5, 1000, 0, "[dqn]\nbatch = 64\n")));
  const Comparison comparison = compare_runs(runs);
  EXPECT_EQ(comparison.frames, 3000);  // the shortest run
  EXPECT_EQ(comparison.minutes, 3);
  ASSERT_EQ(comparison.groups.size(), 2U);
  EXPECT_EQ(comparison.groups[0].runs.size(), 2U);
  EXPECT_DOUBLE_EQ(comparison.groups[0].at_frames.mean.value, 300);  // (200 + 400) / 2
  EXPECT_DOUBLE_EQ(comparison.groups[1].at_frames.mean.value, 1000);
  EXPECT_EQ(comparison.groups[0].name, "dqn-mlp dqn.batch=?");
  EXPECT_EQ(comparison.groups[1].name, "dqn-mlp dqn.batch=64");
  const std::string table = comparison_table(comparison, true);
  EXPECT_THAT(table, HasSubstr("| dqn-mlp dqn.batch=? | 2 | - | 300 [200, 400] | 300 [200, 400] | - |"));
  EXPECT_THAT(comparison_table(comparison, false), HasSubstr("dqn-mlp dqn.batch=64  1"));
  const Figure figure = comparison_figure(comparison);
  EXPECT_EQ(figure.charts[0].series.size(), 3U);
  write_figure(folder / "all.svg", figure);
}

TEST(Comparison, ARunWithoutRecordsIsNamed) {
  TestFolder folder;
  std::vector<RunHistory> runs;
  runs.push_back(read_run(write_run(folder / "a", "1", 0, 0, 0)));
  try {
    compare_runs(runs);
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("a: holds no records of training yet"));
  }
}

TEST(RunHistory, ALineCutShortIsPassedOver) {
  TestFolder folder;
  write_run(folder / "a", "7", 2, 1, 1);
  std::string lines = R"({"kind":"train","frames":5,"mean_score_100":3})";
  lines +=
      "\n"
      R"({"kind":"confirmation","frames":5,"mean":40})"
      "\n"
      R"({"kind":"confirmation","frames":6,"mean":30})";
  lines +=
      "\n"
      R"({"kind":"end","frames":5,"mean":33,"games":9})"
      "\nnonsense\n[1]\n{\"kind\":3}\n{\"kind\":\"train\",\"fra";
  write_file(folder / "a" / "metrics.jsonl", std::string_view(lines));
  const RunHistory run = read_run(folder / "a");
  ASSERT_EQ(run.train.size(), 1U);
  EXPECT_EQ(run.train[0].mean_score_100, 3);
  EXPECT_EQ(run.best_mean(), 40);
  EXPECT_EQ(run.final.value().games, 9);
  EXPECT_EQ(run.seed, "7");
  EXPECT_EQ(run.name, "a");
}

TEST(RunHistory, AnythingElseIsNoRunFolder) {
  TestFolder folder;
  try {
    read_run(folder.path());
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr(": no run folder: it holds no config.toml"));
  }
}

TEST(TrainingFigure, FitsLines) {
  const std::vector<double> x{0, 1, 2, 3, 4};
  const std::vector<double> y{9, 1, 3, 5, 7};
  EXPECT_DOUBLE_EQ(fit_line(x, y, 1, 5).slope, 2);
  EXPECT_DOUBLE_EQ(fit_line(x, y, 1, 5).start, -1);
  EXPECT_DOUBLE_EQ(fit_line({1, 1}, {2, 4}, 0, 2).slope, 0);
  EXPECT_THAT(local_slopes({0, 1, 2, 3}, {0, 3, 6, 9}, 1), Each(DoubleNear(3, 1e-12)));
  const std::vector<double> squares{0, 1, 4, 9, 16};
  EXPECT_DOUBLE_EQ(local_slopes(x, squares, 1)[2], 4);
}

TEST(TrainingFigure, IsWrittenFromTheRunFolder) {
  TestFolder folder;
  write_training_figure(write_run(folder / "none", "1", 0, 0, 0));
  EXPECT_FALSE(std::filesystem::exists(folder / "none" / "training.png"));
  const RunHistory run = read_run(write_run(folder / "a", "1", 20, 100, 5));
  const Figure figure = training_figure(run);
  EXPECT_EQ(figure.charts.size(), 6U);
  // 5 points per 1,000 frames.
  EXPECT_EQ(figure.charts[0].series.back().name, "trend +5000 points per million frames");
  write_training_figure(folder / "a");
  EXPECT_TRUE(std::filesystem::exists(folder / "a" / "training.png"));
  EXPECT_TRUE(std::filesystem::exists(folder / "a" / "training.svg"));
}

TEST(ResultsTable, NumbersExperimentsAndQuotesFields) {
  TestFolder folder;
  const auto table = folder / "results.csv";
  const RunHistory run = read_run(write_run(folder / "a,b", "5", 2, 100, 50));
  EXPECT_EQ(append_result(table, run, ""), 1);
  EXPECT_EQ(append_result(table, run, "x=\"1\""), 2);
  const std::vector<std::byte> bytes = read_file(table);
  const std::string letters(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  EXPECT_EQ(letters.rfind("experiment,finished,run,", 0), 0U);
  EXPECT_THAT(letters, HasSubstr(",\"a,b\",dqn-mlp,5,2000,20,2,2.00,900,150.0,0.0,,,\n2,"));
  EXPECT_THAT(letters, HasSubstr(",\"x=\"\"1\"\"\"\n"));
  try {
    append_result(folder / "no" / "results.csv", run, "");
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("results.csv: cannot be opened: No such file or directory"));
  }
}

}  // namespace
}  // namespace sinv
