#include "game/action.h"

#include <gtest/gtest.h>

#include "game/env.h"
#include "game/start.h"
#include "tests/game/fake_machine.h"

namespace sinv {
namespace {

TEST(Action, NamesStandInTheOrderOfTheActions) {
  EXPECT_EQ(kActionNames[static_cast<std::size_t>(Action::kStay)], "stay");
  EXPECT_EQ(kActionNames[static_cast<std::size_t>(Action::kRightFire)], "right+fire");
}

TEST(Action, PressesItsDirectionAlwaysAndFireOnlyWhenThatShoots) {
  struct Case {
    Action action;
    std::uint8_t stick;
    bool fire;
  };
  for (const Case& c : {Case{Action::kStay, 0, false}, Case{Action::kFire, 0, true}, Case{Action::kLeft, kLeft, false},
                        Case{Action::kRight, kRight, false}, Case{Action::kLeftFire, kLeft, true},
                        Case{Action::kRightFire, kRight, true}}) {
    for (std::uint8_t status = 0; status <= 5; ++status) {
      for (std::uint8_t debounce = 0; debounce <= 1; ++debounce) {
        Ram ram{};
        ram[0x25] = status;
        ram[0x2D] = debounce;
        const bool can_shoot = status == 0 && debounce == 0;
        EXPECT_EQ(buttons_for(c.action, ram), c.stick | (c.fire && can_shoot ? kFire : 0));
      }
    }
  }
}

// Oracle: in the model a shot is requested, appears, makes 44 moves and explodes for 16 frames: 61 frames after the
// request the slot is free, the button up; the request of the frame after that is the earliest.
TEST(Action, FireInEveryStepShootsAtTheGamesOwnRate) {
  EnvSettings settings;
  settings.noop_max_frames = 0;
  for (const int k : {1, 2, 3, 4, 8}) {
    settings.frames_per_step = k;
    auto machine = std::make_unique<FakeMachine>();
    FakeMachine* fake = machine.get();
    Env env(std::move(machine), settings, 1);
    env.reset();
    std::vector<std::uint32_t> requests;
    while (env.frames() < 2000) {
      const std::uint32_t before = fake->shots();
      env.step(Action::kFire);
      if (fake->shots() != before) requests.push_back(fake->shots());
    }
    EXPECT_EQ(requests.size(), 1 + 1999 / 62) << k;
  }
}

}  // namespace
}  // namespace sinv
