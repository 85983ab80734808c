#include "bridge/mame/mame_settings.h"

#include "base/error.h"
#include "base/option.h"
#include "bridge/mame/address.h"

namespace sinv::mame {
namespace {

constexpr double kMostSpeed = 100;  // MAME's own bound of -speed
constexpr double kLeastSpeed = 0.01;
constexpr double kMostWaitSeconds = 3600;
constexpr int kMostSpinUs = 1'000'000;

}  // namespace

void describe(Options& options, MameSettings& settings) {
  options.add("mame.program", settings.program, "MAME's program; empty: mame from PATH, else /usr/games/mame");
  options.add("mame.rompath", settings.rompath, "folder that holds the ROM set, as SET.zip or SET/");
  options.add("mame.set", settings.set, "MAME's name of the game");
  options.add("mame.plugin", settings.plugin, "folder that holds the plugin, as sinv/plugin.json");
  options.add("mame.window", settings.window, "show MAME's window");
  options.add("mame.sound", settings.sound, "MAME is heard (only with mame.window)");
  options.add("mame.speed", settings.speed, "1: real time, 59.54 frames a second; 0: as fast as it goes", 0,
              kMostSpeed);
  options.add("mame.record", settings.record,
              "file name: MAME records its inputs there (.inp), in the machine's folder inp; NAME-2 if it is there");
  options.add("mame.listen", settings.listen,
              "ADDRESS:PORT: wait there for MAMEs that others have started, and start none");
  options.add("mame.token", settings.token, "secret that those must know; needed unless the address is a loopback one");
  options.add("mame.connect_timeout_s", settings.connect_timeout_s, "seconds until a MAME must have connected", 0.1,
              kMostWaitSeconds);
  options.add("mame.hang_timeout_s", settings.hang_timeout_s,
              "seconds that an answer may take, beyond its frames, before MAME is replaced", 0.1, kMostWaitSeconds);
  options.add("mame.share", settings.share,
              "a MAME and the thread that steps it take turns on one processor: neither wakes the other elsewhere");
  options.add("mame.spin_us", settings.spin_us,
              "microseconds that an answer is asked for before the thread sleeps, without mame.share", 0, kMostSpinUs);
  options.add("mame.compress", settings.compress, "zlib for long messages, for slow links");
  options.add("mame.pictures", settings.pictures, "every step brings the picture; off: only work RAM");
}

void check(const MameSettings& settings) {
  const auto range = [](const char* key, double value, double low, double high) {
    if (!(value >= low && value <= high)) throw UserError(text(key, ": is ", value, ", must be ", low, " to ", high));
  };
  if (settings.speed != 0) range("mame.speed", settings.speed, kLeastSpeed, kMostSpeed);
  range("mame.connect_timeout_s", settings.connect_timeout_s, 0.1, kMostWaitSeconds);
  range("mame.hang_timeout_s", settings.hang_timeout_s, 0.1, kMostWaitSeconds);
  range("mame.spin_us", settings.spin_us, 0, kMostSpinUs);
  if (settings.set.empty()) throw UserError("mame.set: is empty, must be MAME's name of a game, for example invaders");
  if (settings.record.find('/') != std::string::npos) {
    throw UserError(
        text("mame.record: is \"", settings.record,
             "\", must be a file name without a folder; it is written into the machine's folder of the run"));
  }
  if (settings.listen.empty()) return;
  const TcpAddress address = tcp_address(settings.listen);
  if (!address.loopback && settings.token.empty()) {
    throw UserError(text("mame.listen: ", settings.listen,
                         " can be reached from other machines and mame.token is empty; set mame.token to a secret, "
                         "the same as SINV_MAME_TOKEN of the MAMEs that may connect"));
  }
}

}  // namespace sinv::mame
