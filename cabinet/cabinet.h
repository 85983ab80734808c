#pragma once

#include <array>
#include <memory>
#include <span>

#include "cabinet/board.h"
#include "cabinet/machine.h"
#include "cabinet/translator.h"

namespace sinv {

using Rom = std::array<std::uint8_t, kRomBytes>;

/// How the CPU's program is run; the results are the same, bit for bit.
enum class CpuCore {
  kTranslated,   // ROM as machine code where that is to be had (x86-64 Linux), the interpreter for the rest
  kInterpreted,  // the interpreter only
};

/// A program ROM, shared by any number of cabinets and never changed. Thread: any.
struct RomImage {
  explicit RomImage(const Rom& rom, CpuCore core = CpuCore::kTranslated);

  Rom bytes;
  std::uint32_t crc;                               // CRC-32 of the 8 KiB
  std::unique_ptr<const Translation> translation;  // or null: interpreted
};

/// The 1978 cabinet, in this process: 8080, board and timing as MAME 0.251 has them. One flat state and no other
/// memory; a step allocates nothing. Thread: one owner. Errors: Error from restore().
class Cabinet final : public Machine {
 public:
  /// `dips`: DIP switches as on IN 2, see board.h.
  explicit Cabinet(std::shared_ptr<const RomImage> rom, std::uint8_t dips = 0);
  explicit Cabinet(const Rom& rom, std::uint8_t dips = 0, CpuCore core = CpuCore::kTranslated);

  void power_on() override;
  void run(std::span<const std::uint8_t> buttons) override;
  const Ram& ram() const override { return state_.board.ram; }
  const Ram& ram_before() const override { return state_.ram_before; }
  std::uint64_t frame() const override { return state_.board.frame; }
  std::size_t state_bytes() const override;
  void save(std::span<std::byte> state) const override;
  /// Errors: Error when `state` has another size, is of another format, or was saved with another ROM.
  void restore(std::span<const std::byte> state) override;

  /// Cycles and instructions since power-on. A frame ends at the first instruction boundary at or behind
  /// stop_cycle(frame() * kFrameCycles), so cycles() may be up to 17 ahead of that; the next frame is so much shorter.
  std::uint64_t cycles() const { return state_.board.cycle; }
  std::uint64_t instructions() const { return state_.board.instructions; }
  const I8080& cpu() const { return state_.board.cpu; }
  const Board& board() const { return state_.board; }
  const std::shared_ptr<const RomImage>& rom() const { return rom_; }

  /// What the CPU would read, at any address; and a write, which only RAM heeds. For tests and tools.
  std::uint8_t peek(std::uint16_t address) const;
  void poke(std::uint16_t address, std::uint8_t value);

 private:
  void run_one(std::uint8_t buttons);

  /// What save() writes, byte for byte.
  struct State {
    std::uint32_t format;
    std::uint32_t rom_crc;
    Board board;
    Ram ram_before;
  };
  static_assert(std::is_trivially_copyable_v<State> && std::has_unique_object_representations_v<State>);

  std::shared_ptr<const RomImage> rom_;
  State state_{};
};

/// A lit pixel of the picture in upright view: column 0..223 from the left, row 0..255 from the bottom.
inline bool is_lit(const Ram& ram, int column, int row) {
  return ((ram[kWorkRamBytes + static_cast<std::size_t>(32 * column + row / 8)] >> (row % 8)) & 1) != 0;
}

}  // namespace sinv
