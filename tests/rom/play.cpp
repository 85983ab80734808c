#include "tests/rom/play.h"

#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <stdexcept>

namespace sinv {

Rom load_own_rom() {
  const std::string path = SINV_BINARY_DIR "/rom/invaders.bin";
  Rom rom{};
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(rom.data()), static_cast<std::streamsize>(rom.size()));
  if (!file) throw std::runtime_error(path + ": no ROM of 8192 bytes there; build the target sinv_rom");
  return rom;
}

Play::Play(std::uint8_t dips) : cabinet(load_own_rom(), dips) { cabinet.power_on(); }

void Play::run(int frames, std::uint8_t buttons) {
  for (int i = 0; i < frames; ++i) cabinet.run(std::span(&buttons, 1));
}

int Play::run_until(const std::function<bool()>& done, std::uint8_t buttons, int limit) {
  int frames = 0;
  while (!done()) {
    if (frames == limit) {
      ADD_FAILURE() << "not reached in " << limit << " frames";
      break;
    }
    run(1, buttons);
    ++frames;
  }
  return frames;
}

int Play::lit_in(int column, int row, int columns, int rows) const {
  int count = 0;
  for (int c = column; c < column + columns; ++c) {
    for (int r = row; r < row + rows; ++r) count += lit(c, r) ? 1 : 0;
  }
  return count;
}

void Play::blank(int column, int row, int columns, int rows) {
  for (int c = column; c < column + columns; ++c) {
    for (int r = row; r < row + rows; ++r) {
      const int address = 0x2400 + 32 * c + r / 8;
      set(address, at(address) & ~(1 << (r % 8)));
    }
  }
}

void Play::insert_coin() {
  run(2, kCoin);
  run(2);
}

void Play::start(int players) {
  run_until([&] { return at(0x20E9) == 1; });
  for (int i = 0; i < players; ++i) insert_coin();
  run_until([&] { return at(0x2093) == 1; });
  run_until([&] { return at(0x20EF) == 1; }, players == 1 ? kStart1 : kStart2);
  run_until([&] { return at(0x20E9) == 1; });
}

void Play::start_controllable(int players) {
  start(players);
  wait_controllable();
}

int Play::wait_controllable() {
  return run_until([&] { return controllable(); });
}

bool Play::controllable() const {
  return at(0x20EF) == 1 && at(0x20E9) == 1 && at(0x2015) == 0xFF && at(0x2010) == 0 && at(0x2011) == 0;
}

int Play::live_aliens() const {
  int count = 0;
  for (int i = 0; i < 55; ++i) count += at(at(0x2067) * 256 + i);
  return count;
}

void Play::keep_aliens(std::initializer_list<int> alive) {
  const std::set<int> keep(alive);
  const int page = at(0x2067) * 256;
  for (int i = 0; i < 55; ++i) {
    if (keep.count(i) != 0) continue;
    set(page + i, 0);
    const int column = at(0x200A) - 0x20 + 16 * (i % 11);
    const int row = at(0x2009) + 16 * (i / 11);
    blank(std::max(column - 2, 0), row, 20, 16);
  }
  set(0x2082, 0xFF);  // asks for a recount
}

void Play::kill_all_aliens() { keep_aliens({}); }

void Play::immortal() {
  set(0x2015, 0xFF);
  set(0x2016, 5);
  set(0x2017, 12);
}

void Play::put_shot(int x, int y) {
  set(0x2025, 2);
  set(0x2029, y);
  set(0x202A, x);
}

void Play::put_alien_shot(int record, int x, int y) {
  set(record + 5, 0x80);
  set(record + 6, 1);
  set(record + 13, y);
  set(record + 14, x);
}

}  // namespace sinv
