#include "bridge/loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <uv.h>

#include "base/error.h"
#include "tests/bridge/farm_fixture.h"

namespace sinv {
namespace {

using std::chrono::milliseconds;

TEST(Loop, WorkIsDoneOnItsThreadInOrder) {
  Loop loop;
  std::vector<int> done;
  std::thread::id where;
  for (int i = 0; i < 100; ++i) loop.post([&done, i] { done.push_back(i); });
  const int answer = loop.call([&] {
    where = std::this_thread::get_id();
    return 7;
  });
  EXPECT_EQ(answer, 7);
  EXPECT_NE(where, std::this_thread::get_id());
  ASSERT_EQ(done.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(done[static_cast<std::size_t>(i)], i);
}

TEST(Loop, ACallFromItsOwnThreadIsDoneAtOnce) {
  Loop loop;
  EXPECT_EQ(loop.call([&] { return loop.call([&] { return loop.on_loop() ? 5 : 0; }); }), 5);
}

TEST(Loop, WhatACallThrowsReachesTheCaller) {
  Loop loop;
  EXPECT_THAT(mame::error_of<UserError>([&] { loop.call([] { throw UserError("no"); }); }), "no");
}

TEST(Loop, ACleanLoopClosesWithNothingLeft) {
  Loop loop;
  auto timer = loop.call([&] { return std::make_unique<LoopTimer>(loop); });
  std::promise<void> rang;
  loop.call([&] { timer->start(milliseconds(1), [&] { rang.set_value(); }); });
  rang.get_future().wait();
  loop.call([&] { timer.reset(); });
  EXPECT_EQ(loop.close(), 0);
  EXPECT_EQ(loop.close(), 0);
}

TEST(Loop, WorkOfManyThreadsIsAllDone) {
  Loop loop;
  int done = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) loop.post([&] { ++done; });
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(loop.call([&] { return done; }), 4000);
}

TEST(Loop, AHandleThatWasLeftIsToldAndClosed) {
  Loop loop;
  uv_timer_t left;
  loop.call([&] { uv_timer_init(loop.raw(), &left); });
  EXPECT_EQ(loop.close(), UV_EBUSY);
}

TEST(Loop, PostingToAClosedLoopIsAnError) {
  Loop loop;
  loop.close();
  EXPECT_THAT(mame::error_of<Error>([&] { loop.post([] {}); }), ::testing::HasSubstr("work posted after close()"));
}

TEST(LoopTimer, StartedAgainItForgetsWhatWasToCome) {
  Loop loop;
  std::string said;
  std::promise<void> rang;
  auto timer = loop.call([&] { return std::make_unique<LoopTimer>(loop); });
  loop.call([&] {
    timer->start(milliseconds(1), [&] { said += "first "; });
    timer->start(milliseconds(5), [&] {
      said += "second";
      rang.set_value();
    });
  });
  rang.get_future().wait();
  EXPECT_EQ(said, "second");
  loop.call([&] { timer.reset(); });
}

}  // namespace
}  // namespace sinv
