#include "kernels/team.h"

#include <array>
#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <thread>

#include "base/error.h"

namespace sinv {
namespace {

std::string refusal(auto&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was refused";
}

TEST(Team, EveryPartRunsOnceAndIsDoneOnReturn) {
  for (const int threads : {1, 2, 3, Team::kMostThreads}) {
    Team team(threads);
    ASSERT_EQ(team.threads(), threads);
    std::array<int, 100>
        times{};  // not atomic: a part that two took, or one still running, is a race and a wrong count
    for (int run = 0; run < 3000; ++run) {
      const int parts = run % 101;
      team.run(parts, [&](int i, int slot) { times[static_cast<std::size_t>(i)] += slot < threads ? 1 : 1000; });
      for (int i = 0; i < parts; ++i)
        ASSERT_EQ(times[static_cast<std::size_t>(i)], 1) << "run " << run << " part " << i;
      times = {};
    }
  }
}

TEST(Team, HelpersTakeParts) {
  Team team(2);
  std::atomic<int> inside{0};
  // Each part waits for the other: one thread alone would stay in the first for ever.
  team.run(2, [&](int, int) {
    ++inside;
    while (inside.load() < 2) std::this_thread::yield();
  });
  EXPECT_EQ(inside.load(), 2);
}

TEST(Team, NoTwoCallersShareASlot) {
  Team team(4);
  std::array<std::atomic<int>, 4> users{};
  std::atomic<int> clashes{0};
  for (int run = 0; run < 200; ++run) {
    team.run(64, [&](int, int slot) {
      if (++users[static_cast<std::size_t>(slot)] != 1) ++clashes;
      std::this_thread::yield();
      --users[static_cast<std::size_t>(slot)];
    });
  }
  EXPECT_EQ(clashes.load(), 0);
}

TEST(Team, SleepingHelpersWakeUp) {
  Team team(3);
  std::atomic<int> sum{0};
  for (int run = 0; run < 5; ++run) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // longer than they spin
    team.run(7, [&](int i, int) { sum += i; });
  }
  EXPECT_EQ(sum.load(), 5 * 21);
}

TEST(Team, WithoutATeamPartsRunInOrder) {
  std::string order;
  run_parts(nullptr, 4, [&](int i, int slot) { order += static_cast<char>('0' + i + slot); });
  EXPECT_EQ(order, "0123");
}

TEST(Team, ErrorsNameWhatIsWrong) {
  EXPECT_NE(refusal([] { Team(0); }).find("team: 0 threads, wanted 1 to 8"), std::string::npos);
  EXPECT_NE(refusal([] { Team(9); }).find("team: 9 threads, wanted 1 to 8"), std::string::npos);
  Team team(1);
  EXPECT_NE(refusal([&] { team.run(70000, [](int, int) {}); }).find("70000 parts, wanted 0 to 65535"),
            std::string::npos);
}

}  // namespace
}  // namespace sinv
