// Settings, addresses, what MAME is started with, and the sentences for what is missing.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/option.h"
#include "bridge/mame/address.h"
#include "bridge/mame/launch.h"
#include "bridge/mame/mame_settings.h"
#include "tests/bridge/farm_fixture.h"

namespace sinv::mame {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(MameSettings, AreDescribedUnderTheirKeys) {
  MameSettings settings;
  Options options;
  describe(options, settings);
  options.set("mame.speed", "1");
  options.set("mame.window", "true");
  EXPECT_EQ(settings.speed, 1);
  EXPECT_TRUE(settings.window);
  for (const char* key : {"program", "rompath", "set", "plugin", "window", "sound", "speed", "record", "listen",
                          "token", "connect_timeout_s", "hang_timeout_s", "share", "spin_us", "compress", "pictures"}) {
    EXPECT_TRUE(options.has(std::string("mame.") + key)) << key;
  }
}

std::string refusal(const std::function<void(MameSettings&)>& change) {
  MameSettings settings;
  change(settings);
  return error_of<UserError>([&] { check(settings); });
}

TEST(MameSettings, OutOfRangeIsRefusedWithTheKey) {
  EXPECT_EQ(refusal([](MameSettings&) {}), "no error");
  EXPECT_THAT(refusal([](auto& s) { s.speed = 101; }), HasSubstr("mame.speed: is 101, must be 0.01 to 100"));
  EXPECT_THAT(refusal([](auto& s) { s.connect_timeout_s = 0; }), HasSubstr("mame.connect_timeout_s"));
  EXPECT_THAT(refusal([](auto& s) { s.hang_timeout_s = -1; }), HasSubstr("mame.hang_timeout_s"));
  EXPECT_THAT(refusal([](auto& s) { s.spin_us = -1; }), HasSubstr("mame.spin_us"));
  EXPECT_THAT(refusal([](auto& s) { s.set = ""; }), HasSubstr("mame.set: is empty"));
  EXPECT_THAT(refusal([](auto& s) { s.record = "../x.inp"; }), HasSubstr("must be a file name without a folder"));
  EXPECT_THAT(refusal([](auto& s) { s.listen = "0.0.0.0:4000"; }),
              AllOf(HasSubstr("can be reached from other machines"), HasSubstr("set mame.token")));
  EXPECT_EQ(refusal([](auto& s) { s.listen = "127.0.0.1:4000"; }), "no error");
  EXPECT_EQ(refusal([](auto& s) {
              s.listen = "0.0.0.0:4000";
              s.token = "x";
            }),
            "no error");
}

TEST(MameAddress, IsTakenApart) {
  EXPECT_EQ(tcp_address("127.0.0.1:4000").port, 4000);
  EXPECT_TRUE(tcp_address("127.8.9.1:0").loopback);
  EXPECT_TRUE(tcp_address("localhost:1").loopback);
  EXPECT_TRUE(tcp_address("[::1]:5").loopback);
  EXPECT_EQ(tcp_address("[::1]:5").host, "::1");
  EXPECT_FALSE(tcp_address("[::]:5").loopback);
  EXPECT_FALSE(tcp_address("192.168.1.2:5").loopback);
}

TEST(MameAddress, AWrongOneIsRefusedWithAnExample) {
  for (const char* words :
       {"127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:12x", "host:5", "[::1:5", ":5", "::1:5"}) {
    EXPECT_THAT(error_of<UserError>([&] { tcp_address(words); }),
                AllOf(HasSubstr(words), HasSubstr("for example 127.0.0.1:4000")));
  }
}

TEST(MameAddress, SecretsAreComparedWhole) {
  EXPECT_TRUE(same_secret("", ""));
  EXPECT_TRUE(same_secret("abc", "abc"));
  EXPECT_FALSE(same_secret("abc", "abd"));
  EXPECT_FALSE(same_secret("abcabc", "abc"));
  EXPECT_FALSE(same_secret("", "a"));
  EXPECT_FALSE(same_secret("a", ""));
}

class MameLaunch : public FarmTest {
 protected:
  std::string line() {
    const Launch launch = launch_of(settings_, "/x/mame", folder_ / "run/mame", 3, {"domain./s", "secret", "/bell"});
    return " " + join(launch.arguments, " ") + " ";
  }
};

TEST_F(MameLaunch, HeadlessIsAsFastAsItGoes) {
  EXPECT_THAT(line(), AllOf(HasSubstr(" --pdeathsig KILL /x/mame invaders "), HasSubstr(" -video none -sound none "),
                            HasSubstr(" -samplerate 1000 -frameskip 10 "), HasSubstr(" -nothrottle "),
                            HasSubstr(" -plugin sinv "), HasSubstr(" -skip_gameinfo "), Not(HasSubstr("-window"))));
  EXPECT_THAT(line(), HasSubstr(" -pluginspath " + settings_.plugin + ";/usr/share/games/mame/plugins "));
  EXPECT_THAT(line(), HasSubstr(" -rompath " + settings_.rompath + " "));
}

TEST_F(MameLaunch, AWindowHasItsPictureAndSoundAndSpeedIfWanted) {
  settings_.window = true;
  settings_.speed = 1;
  settings_.record = "game.inp";
  EXPECT_THAT(line(), AllOf(HasSubstr(" -window -video accel -sound none -throttle -speed 1 -record game.inp "),
                            Not(HasSubstr("-frameskip")), Not(HasSubstr("-video none"))));
  settings_.sound = true;
  EXPECT_THAT(line(), Not(HasSubstr("-sound")));
}

TEST_F(MameLaunch, ARecordingIsNotWrittenOverTheOneBefore) {
  settings_.record = "game.inp";
  const auto inputs = folder_ / "run/mame/3/inp";
  std::filesystem::create_directories(inputs);
  std::ofstream(inputs / "game.inp") << "first";
  EXPECT_THAT(line(), HasSubstr(" -record game-2.inp "));
  std::ofstream(inputs / "game-2.inp") << "second";
  EXPECT_THAT(line(), HasSubstr(" -record game-3.inp "));
}

TEST_F(MameLaunch, EverythingMameWritesGoesIntoTheRunFolder) {
  const std::string own = (folder_ / "run/mame/3").string();
  for (const char* option : {"cfg_directory", "nvram_directory", "state_directory", "snapshot_directory", "inipath",
                             "homepath", "input_directory", "diff_directory", "comment_directory"}) {
    EXPECT_THAT(line(), HasSubstr(std::string(" -") + option + " " + own + "/"));
  }
  const Launch launch = launch_of(settings_, "/x/mame", folder_ / "run/mame", 3, {"domain./s", "secret", "/bell"});
  EXPECT_EQ(launch.folder, folder_ / "run/mame/3");
  EXPECT_EQ(launch.log, folder_ / "run/mame/3.log");
  for (const std::string& entry : {"HOME=" + own + "/home", std::string("SINV_MAME_ADDRESS=domain./s"),
                                   std::string("SINV_MAME_INSTANCE=3"), std::string("SINV_MAME_TOKEN=secret"),
                                   std::string("SINV_MAME_DOORBELL=/bell"), std::string("SINV_MAME_MODE=engine"),
                                   std::string("SDL_VIDEODRIVER=dummy"), std::string("SDL_AUDIODRIVER=dummy")}) {
    EXPECT_THAT(launch.environment, Contains(entry));
  }
  const auto homes = std::count_if(launch.environment.begin(), launch.environment.end(),
                                   [](const std::string& entry) { return entry.rfind("HOME=", 0) == 0; });
  EXPECT_EQ(homes, 1);
}

TEST_F(MameLaunch, MameThatIsNotInstalledIsToldWithWhatToType) {
  settings_.program = (folder_ / "no/mame").string();
  EXPECT_THAT(
      error_of<UserError>([&] { open(); }),
      AllOf(HasSubstr("MAME is not installed"), HasSubstr(settings_.program), HasSubstr("sudo apt-get install mame")));
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", folder_.path().c_str(), 1);
  settings_.program = "mame-of-nobody";
  EXPECT_THAT(error_of<UserError>([&] { open(); }), HasSubstr("looked for mame-of-nobody"));
  settings_.program.clear();
  if (!std::filesystem::exists("/usr/games/mame")) {
    EXPECT_THAT(error_of<UserError>([&] { open(); }), HasSubstr("mame in PATH and /usr/games/mame"));
  } else {
    EXPECT_EQ(find_mame(settings_), "/usr/games/mame");
  }
  ::setenv("PATH", path.c_str(), 1);
}

TEST_F(MameLaunch, ARomSetThatIsNotThereIsToldWithWhereItWasLookedFor) {
  settings_.rompath = folder_.path().string();
  EXPECT_THAT(error_of<UserError>([&] { open(); }),
              AllOf(HasSubstr("ROM set \"invaders\" is not there"), HasSubstr((folder_ / "invaders.zip").string()),
                    HasSubstr((folder_ / "invaders").string()), HasSubstr("the engine's own free game")));
  settings_.rompath.clear();
  EXPECT_THAT(error_of<UserError>([&] { open(); }), HasSubstr("mame.rompath is empty"));
  settings_.rompath = "/nowhere;" + (folder_ / "roms").string();
  EXPECT_NO_THROW(check_rom_set(settings_));
}

TEST_F(MameLaunch, APluginThatIsNotThereIsTold) {
  std::filesystem::remove(folder_ / "plugin/sinv/init.lua");
  EXPECT_THAT(error_of<UserError>([&] { open(); }),
              AllOf(HasSubstr("the MAME plugin is not there: no " + (folder_ / "plugin/sinv/init.lua").string()),
                    HasSubstr("mame.plugin")));
  settings_.plugin.clear();
  EXPECT_THAT(error_of<UserError>([&] { open(); }), HasSubstr("no sinv/plugin.json"));
}

TEST_F(MameLaunch, ARunFolderThatCannotBeMadeIsTold) {
  std::ofstream(folder_ / "run") << "a file";
  EXPECT_THAT(error_of<UserError>([&] { open(); }), HasSubstr("cannot be made"));
}

}  // namespace
}  // namespace sinv::mame
