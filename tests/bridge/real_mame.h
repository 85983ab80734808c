#pragma once

#include <string>

#include "bridge/mame/launch.h"
#include "tests/bridge/farm_fixture.h"

namespace sinv::mame {

/// Tests over the MAME of this machine and the plugin of this tree; skipped, with the reason, without them.
class RealMame : public FarmTest {
 protected:
  void SetUp() override {
    settings_.program.clear();
    settings_.rompath = SINV_BINARY_DIR "/roms";
    settings_.plugin = SINV_SOURCE_DIR "/lua";
    const std::string missing = error_of<UserError>([&] {
      find_mame(settings_);
      check_rom_set(settings_);
      check_plugin(settings_);
    });
    if (missing != "no error") GTEST_SKIP() << missing;
  }

  /// What MAME and the log said, for a test that has failed.
  std::string told() const { return log_.text() + read(run() / "mame/0.log"); }
};

}  // namespace sinv::mame
