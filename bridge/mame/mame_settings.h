#pragma once

#include <string>

namespace sinv {
class Options;  // base/option.h
}

namespace sinv::mame {

struct MameSettings {
  std::string program{};         // empty: `mame` from PATH, else /usr/games/mame
  std::string rompath{};         // folder with SET.zip or SET/; several are parted by ';'
  std::string set = "invaders";  // MAME's name of the game
  std::string plugin{};          // folder that holds sinv/plugin.json
  bool window = false;           // show MAME's window
  bool sound = false;            // let it be heard; only with the window
  double speed = 0;              // 1: real time, 59.54 frames a second; 0: as fast as it goes
  std::string record{};          // MAME writes its inputs to this .inp file in the machine's folder, or NAME-2 ..
  std::string listen{};          // ADDRESS:PORT: MAMEs of others are waited for there and none is started
  std::string token{};           // what those must know; needed unless the address is a loopback one
  double connect_timeout_s = 20;
  double hang_timeout_s = 5;  // real time that a request may take beyond the frames it runs
  bool share = true;          // a MAME and the thread that steps it take turns on one processor
  int spin_us = 50;           // how long a machine asks its socket before it sleeps, when they do not share
  bool compress = false;      // zlib for bodies of 512 bytes and more, for slow links
  bool pictures = true;       // ram() and ram_before() hold the picture; without, only their work RAM is kept current
};

/// Adds every setting under "mame.".
void describe(Options& options, MameSettings& settings);

/// Errors: UserError naming the key, what it is and what it may be.
void check(const MameSettings& settings);

}  // namespace sinv::mame
