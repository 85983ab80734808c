// The cabinet against MAME, all 8 KiB of RAM after every frame, on programs made to show a difference of one cycle: the
// handlers write down where they interrupted a loop of instructions of all lengths, or when a HLT was left.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <string>

#include "base/file.h"
#include "base/random.h"
#include "cabinet/trace.h"
#include "tests/cabinet/program.h"
#include "tests/support/folder.h"

namespace sinv {
namespace {

constexpr int kFrames = 300;

std::string find_mame() {
  for (const char* path : {"/usr/games/mame", "/usr/bin/mame", "/usr/local/bin/mame"}) {
    if (std::filesystem::exists(path)) return path;
  }
  return {};
}

constexpr const char* kScript = R"(
local crc = {}
for i = 0, 255 do
  local c = i
  for _ = 1, 8 do c = (c & 1) == 1 and (0xEDB88320 ~ (c >> 1)) or (c >> 1) end
  crc[i] = c
end
local function sum(bytes)
  local c = 0xFFFFFFFF
  for i = 1, #bytes do c = crc[(c ~ bytes:byte(i)) & 255] ~ (c >> 8) end
  return c ~ 0xFFFFFFFF
end
local out = io.open("ram.txt", "w")
local frame = 0
emu.register_frame_done(function()
  frame = frame + 1
  local ram = manager.machine.devices[":maincpu"].spaces["program"]:read_range(0x2000, 0x3fff, 8)
  out:write(string.format("%d %08x %08x\n", frame, sum(ram:sub(1, 1024)), sum(ram:sub(1025))))
  out:flush()
end)
)";

/// Both handlers append the return address and a mark to a table at $2400.. (pointer at $2000).
Program recording_handlers() {
  Program program;
  program.at(0x0000, {0x31, 0x00, 0x24, 0xC3, 0x00, 0x01});
  program.at(0x0008, {0xC3, 0x40, 0x00}).at(0x0010, {0xC3, 0x80, 0x00});
  for (const int handler : {0x40, 0x80}) {
    program.at(static_cast<std::size_t>(handler),
               {0xF5, 0xE5, 0xD5, 0x21, 0x06, 0x00, 0x39, 0x5E, 0x23,    0x56,  // return address to DE
                0x2A, 0x00, 0x20, 0x73, 0x23, 0x72, 0x23, 0x36, handler, 0x23,  // append
                0x7C, 0xE6, 0x1F, 0xF6, 0x24, 0x67, 0x22, 0x00, 0x20,           // keep within $2400-$3FFF
                0xD1, 0xE1, 0xF1, 0xFB, 0xC9});
  }
  return program;
}

Program busy_program() {
  Program program = recording_handlers();
  program.at(0x0100, {0x21, 0x00, 0x24, 0x22, 0x00, 0x20, 0xFB});
  Random random(5, 0);
  constexpr int kOpcodes[] = {0x78, 0x04, 0x80, 0xA8, 0x0D, 0x23, 0x09, 0x7E,
                              0xEB, 0x1F, 0xE3, 0xE3, 0xC5, 0x3A, 0x22, 0x21};
  std::size_t at = 0x0107;
  for (int i = 0; i < 400; ++i) {
    const int opcode = kOpcodes[random.below(static_cast<std::uint32_t>(std::size(kOpcodes)))];
    switch (opcode) {
      case 0x3A:
      case 0x22:
      case 0x21:
        program.at(at, {opcode, 0x50, 0x20});
        at += 3;
        break;
      case 0xC5:
        program.at(at, {0xC5, 0xC1});
        at += 2;
        break;
      default:
        program.at(at, {opcode});
        ++at;
        break;
    }
  }
  program.at(at, {0xD3, 0x06, 0xC3, 0x07, 0x01});
  return program;
}

/// EI; HLT; then polls until the next interrupt has come, and feeds the watchdog.
Program halting_program() {
  Program program = recording_handlers();
  program.at(0x0100, {0x21, 0x00, 0x24, 0x22, 0x00, 0x20, 0xFB, 0x76, 0x3A, 0x00, 0x20, 0x47, 0x3A,
                      0x00, 0x20, 0xB8, 0x00, 0xCA, 0x0C, 0x01, 0xD3, 0x06, 0xC3, 0x06, 0x01});
  return program;
}

/// The first EI comes late, so the interrupts before it are lost but for the last.
Program late_program() {
  Program program = busy_program();
  program.at(0x0000, {0x31, 0x00, 0x24, 0xC3, 0x00, 0x1F});
  // 3 frames of delay, IN 3 before any OUT 2, then the busy program
  program.at(0x1F00, {0x3E, 0xA5, 0xD3, 0x04, 0xDB, 0x03, 0x32, 0x10, 0x20, 0x01, 0x00,
                      0x10, 0x0B, 0x78, 0xB1, 0xC2, 0x0C, 0x1F, 0xC3, 0x00, 0x01});
  return program;
}

void compare(const Rom& rom) {
  const std::string mame = find_mame();
  if (mame.empty()) GTEST_SKIP() << "MAME is not installed (apt-get install mame)";
  const TestFolder folder;
  std::filesystem::create_directories(folder / "roms/invaders");
  const auto bytes = std::as_bytes(std::span(rom));
  std::size_t at = 0;
  for (const char* name : {"invaders.h", "invaders.g", "invaders.f", "invaders.e"}) {
    write_file(folder.path() / "roms/invaders" / name, bytes.subspan(at, 2048));
    at += 2048;
  }
  write_file(folder / "watch.lua", std::string_view(kScript));
  const std::string path = folder.path().string();
  const std::string command =
      "cd '" + path + "' && HOME='" + path + "' SDL_AUDIODRIVER=dummy SDL_VIDEODRIVER=dummy '" + mame +
      "' invaders -rompath roms -inipath . -cfg_directory cfg -nvram_directory nvram -state_directory sta" +
      " -snapshot_directory snap -diff_directory diff -video none -sound none -nothrottle -skip_gameinfo" +
      " -samplerate 8000 -frameskip 10 -autoboot_delay 0 -autoboot_script watch.lua -seconds_to_run " +
      std::to_string(kFrames * 33536 / 1996800 + 1) + " >mame.log 2>&1";
  // MAME's exit status says nothing: it may fall over on its way out. The file tells.
  static_cast<void>(std::system(command.c_str()));
  Cabinet cabinet(rom);
  std::ostringstream own;
  trace_frames(cabinet, {}, kFrames, own);
  std::istringstream own_lines(own.str());
  std::ifstream mame_lines(folder / "ram.txt");
  std::string own_line;
  std::string mame_line;
  int compared = 0;
  while (std::getline(own_lines, own_line) && std::getline(mame_lines, mame_line)) {
    ASSERT_EQ(own_line, mame_line);
    ++compared;
  }
  ASSERT_EQ(compared, kFrames) << "MAME stopped early";
  EXPECT_NE(cabinet.peek(0x2401), 0) << "the handlers should have written";
}

TEST(CabinetInMame, ABusyLoopIsInterruptedAtTheSameInstructionsInEveryFrame) { compare(busy_program().rom()); }
TEST(CabinetInMame, AHaltIsLeftInTheSameCycleInEveryFrame) { compare(halting_program().rom()); }
TEST(CabinetInMame, TheFirstEiAnswersAnInterruptFromBeforeAndTheShifterBeginsAt7) { compare(late_program().rom()); }

}  // namespace
}  // namespace sinv
