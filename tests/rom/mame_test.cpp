// The game in MAME: the same inputs give the same RAM as in the in-process cabinet, all 8 KiB of it. Below the stack
// pointer that includes the addresses at which long drawing was interrupted, so not one instruction may be out of
// place.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>
#include <zlib.h>

#include "tests/rom/play.h"
#include "tests/support/folder.h"

namespace sinv {
namespace {

std::string find_mame() {
  for (const char* path : {"/usr/games/mame", "/usr/bin/mame", "/usr/local/bin/mame"}) {
    if (std::filesystem::exists(path)) return path;
  }
  return {};
}

// Callback n comes when n frames are done, before the handler of that vertical blanking has run; what it presses is
// read from then until callback n + 1.
constexpr const char* kScript = R"(
local press = {
  {1, ":IN1", "Coin 1"}, {2, ":IN1", "1 Player Start"}, {4, ":CONTP1", "P1 Button 1"},
  {8, ":CONTP1", "P1 Left"}, {16, ":CONTP1", "P1 Right"}, {32, ":IN1", "2 Players Start"} }
local crc = {}
for i = 0, 255 do
  local c = i
  for _ = 1, 8 do c = (c & 1) == 1 and (0xEDB88320 ~ (c >> 1)) or (c >> 1) end
  crc[i] = c
end
local out = io.open(OUT, "w")
local frame = 0
emu.register_frame_done(function()
  frame = frame + 1
  local ports = manager.machine.ioport.ports
  local mask = masks:byte(frame + 1) or 64
  for _, p in ipairs(press) do ports[p[2]].fields[p[3]]:set_value((mask & p[1]) ~= 0 and 1 or 0) end
  if frame % EVERY == 0 then
    local ram = manager.machine.devices[":maincpu"].spaces["program"]:read_range(0x2000, 0x3fff, 8)
    local c = 0xFFFFFFFF
    for i = 1, #ram do c = crc[(c ~ ram:byte(i)) & 255] ~ (c >> 8) end
    out:write(frame, " ", string.format("%u", c ~ 0xFFFFFFFF), "\n")
    out:flush()
  end
end)
)";

// Attract mode, one coin and a game for one; later two coins and a game for two. Bit 6 is no button: it keeps the
// bytes of the script printable.
std::vector<std::uint8_t> inputs(int frames) {
  std::vector<std::uint8_t> masks(static_cast<std::size_t>(frames), 0);
  const auto press = [&](int from, int count, std::uint8_t mask) {
    for (int i = from; i < std::min(from + count, frames); ++i) masks[static_cast<std::size_t>(i)] |= mask;
  };
  std::uint32_t noise = 1978;
  for (int at = 0; at < frames; at += 11) {
    noise = noise * 1664525U + 1013904223U;
    press(at, 11, noise >> 31 != 0 ? kLeft : kRight);
    if ((noise >> 28 & 3U) != 0) press(at, 3, kFire);
  }
  press(1800, 2, kCoin);
  press(1830, 4, kStart1);
  press(9000, 2, kCoin);
  press(9010, 2, kCoin);
  press(9040, 4, kStart2);
  return masks;
}

TEST(RomInMame, RamIsTheSameAsInTheCabinetFrameForFrame) {
  const std::string mame = find_mame();
  if (mame.empty()) GTEST_SKIP() << "MAME is not installed (apt-get install mame)";
  constexpr int kFrames = 12000;
  constexpr int kEvery = 50;
  const TestFolder folder;
  const auto masks = inputs(kFrames);
  {
    std::ofstream lua(folder / "watch.lua");
    lua << "local OUT = [[" << (folder / "ram.txt").string() << "]]\nlocal EVERY = " << kEvery << "\nlocal masks = [[";
    for (const std::uint8_t mask : masks) lua << static_cast<char>(mask | 0x40U);
    lua << "]]\n" << kScript;
  }
  const std::string path = folder.path().string();
  const std::string command =
      "cd '" + path + "' && HOME='" + path + "' SDL_AUDIODRIVER=dummy SDL_VIDEODRIVER=dummy '" + mame +
      "' invaders -rompath '" + SINV_BINARY_DIR "/roms' -inipath '" + path +
      "' -cfg_directory cfg -nvram_directory nvram -state_directory sta -snapshot_directory snap" +
      " -diff_directory diff -video none -sound none -nothrottle -skip_gameinfo -samplerate 8000" +
      " -frameskip 10 -autoboot_delay 0 -autoboot_script watch.lua -seconds_to_run " +
      std::to_string(kFrames * 33536 / 1996800 + 2) + " >mame.log 2>&1";
  // MAME's exit status says nothing: it may fall over on its way out. The file tells.
  static_cast<void>(std::system(command.c_str()));

  std::map<int, unsigned long> seen;
  std::ifstream file(folder / "ram.txt");
  int frame = 0;
  unsigned long crc = 0;
  while (file >> frame >> crc) seen[frame] = crc;
  std::ifstream log(folder / "mame.log");
  ASSERT_GE(seen.size(), static_cast<std::size_t>(kFrames / kEvery))
      << "MAME stopped early and said:\n"
      << std::string(std::istreambuf_iterator<char>(log), std::istreambuf_iterator<char>());

  Play play;
  int games = 0;
  int two_player_games = 0;
  int demos = 0;
  for (int done = 0; done < kFrames;) {
    // Nothing can be pressed before the first callback.
    play.run(1, done == 0 ? std::uint8_t{0} : masks[static_cast<std::size_t>(done)]);
    ++done;
    if (done % kEvery != 0) continue;
    const auto& ram = play.cabinet.ram();
    ASSERT_EQ(seen[done], crc32(0, ram.data(), static_cast<uInt>(ram.size()))) << "at frame " << done;
    games += play.at(0x20EF) == 1 ? 1 : 0;
    two_player_games += play.at(0x20EF) == 1 && play.at(0x20CE) == 1 ? 1 : 0;
    demos += play.at(0x20C1) == 1 ? 1 : 0;
  }
  EXPECT_GT(games, 20) << "the inputs should reach a game";
  EXPECT_GT(two_player_games, 5);
  EXPECT_GT(demos, 5);
}

}  // namespace
}  // namespace sinv
