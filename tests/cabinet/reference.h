#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "cabinet/machine.h"

namespace sinv {

/// A second 8080 and a second board, written for clearness and from other formulas than the engine's: adders work bit
/// by bit, opcodes are taken apart by their octal digits, cycles stand in one 16 x 16 table as in the data sheet, a
/// halted CPU repeats HLT, and each instruction looks at the clock. The oracle of the differential tests.
struct Reference8080 {
  // B C D E H L (unused) A
  std::array<int, 8> reg{};
  int pc = 0;
  int sp = 0;
  bool sign = false, zero = false, aux = false, parity = false, carry = false;
  bool inte = false;
  bool irq = false;
  bool halted = false;
  int ei_delay = 0;
  std::int64_t instructions = 0;

  int pair(int index) const;  // 0 BC, 1 DE, 2 HL, 3 SP
  void set_pair(int index, int value);
  int psw() const;  // A and the flag byte
  void set_psw(int value);
};

/// Where a Reference8080 lives.
class ReferenceBus {
 public:
  virtual ~ReferenceBus() = default;
  virtual int read(int address) = 0;
  virtual void write(int address, int value) = 0;
  virtual int in(int port) = 0;
  virtual void out(int port, int value) = 0;
};

/// Executes one instruction and returns its cycles. `xchg_cycles`: 4 or 5.
int execute_one(Reference8080& cpu, ReferenceBus& bus, int xchg_cycles);

/// The cabinet, one instruction at a time.
class ReferenceCabinet final : public ReferenceBus {
 public:
  explicit ReferenceCabinet(const std::array<std::uint8_t, 0x2000>& rom) : rom_(rom) {}

  void run_frame(std::uint8_t buttons);

  int read(int address) override;
  void write(int address, int value) override;
  int in(int port) override;
  void out(int port, int value) override;

  Reference8080 cpu;
  Ram ram{};
  std::int64_t cycle = 0;
  std::int64_t frame = 0;
  int resets = 0;
  struct Sound {
    std::int64_t cycle;
    int port;
    int value;
    bool operator==(const Sound&) const = default;
  };
  std::vector<Sound> sounds;

 private:
  void run_until(std::int64_t event);
  void watchdog_reset(std::int64_t at);
  void take_interrupt();

  std::array<std::uint8_t, 0x2000> rom_;
  int buttons_ = 0;
  int shift_ = 0;
  int amount_ = 7;
  int last3_ = 0;
  int last5_ = 0;
  std::int64_t last_feed_ = 0;
  bool skip_vblank_ = false;
  bool enabled_once_ = false;
};

}  // namespace sinv
