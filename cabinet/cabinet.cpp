#include "cabinet/cabinet.h"

#include <cstring>

#include "base/error.h"
#include "base/file.h"
#include "cabinet/board_run.h"

namespace sinv {

namespace {
constexpr std::uint32_t kStateFormat = 0x43'41'42'01;  // "CAB" 1; count up when Board changes

/// Code outside ROM is interpreted for so long before ROM is looked for again.
constexpr std::int64_t kInterpretedCycles = 512;

/// The board with its ROM translated.
struct TranslatedBus : BoardBus {
  const Translation* translation;

  std::int64_t run_translated(Slice& slice) const {
    translation->run(*board, slice);
    // Too little left for any block: the interpreter finishes. Else one instruction, or some of a program in RAM.
    if (slice.left < Translation::kBlockCycles) return 0;
    const std::int64_t turn = board->cpu.pc < kRomBytes ? 1 : kInterpretedCycles;
    return slice.left > turn ? slice.left - turn : 0;
  }
};
}  // namespace

RomImage::RomImage(const Rom& rom, CpuCore core)
    : bytes(rom),
      crc(crc32(std::as_bytes(std::span(rom)))),
      translation(core == CpuCore::kTranslated ? Translation::make(bytes.data()) : nullptr) {}

Cabinet::Cabinet(std::shared_ptr<const RomImage> rom, std::uint8_t dips) : rom_(std::move(rom)) {
  SINV_CHECK(rom_ != nullptr, "Cabinet: no ROM given");
  state_.format = kStateFormat;
  state_.rom_crc = rom_->crc;
  state_.board.dips = dips;
  power_on();
}

Cabinet::Cabinet(const Rom& rom, std::uint8_t dips, CpuCore core)
    : Cabinet(std::make_shared<const RomImage>(rom, core), dips) {}

void Cabinet::power_on() {
  power_on_board(state_.board, state_.board.dips);
  state_.ram_before = state_.board.ram;
}

void Cabinet::run(std::span<const std::uint8_t> buttons) {
  if (buttons.empty()) return;
  for (const std::uint8_t mask : buttons.first(buttons.size() - 1)) run_one(mask);
  state_.ram_before = state_.board.ram;
  run_one(buttons.back());
}

void Cabinet::run_one(std::uint8_t buttons) {
  const BoardBus bus(state_.board, rom_->bytes.data());
  if (rom_->translation != nullptr) {
    run_board_frame(state_.board, TranslatedBus{bus, rom_->translation.get()}, buttons);
  } else {
    run_board_frame(state_.board, bus, buttons);
  }
}

std::size_t Cabinet::state_bytes() const { return sizeof(State); }

void Cabinet::save(std::span<std::byte> state) const {
  SINV_CHECK(state.size() == sizeof(State), "Cabinet::save: the buffer has ", state.size(), " bytes, the state ",
             sizeof(State));
  std::memcpy(state.data(), &state_, sizeof(State));
}

void Cabinet::restore(std::span<const std::byte> state) {
  SINV_CHECK(state.size() == sizeof(State), "Cabinet::restore: the state has ", state.size(), " bytes, this build's ",
             sizeof(State), "; it was saved by another build");
  std::uint32_t format = 0;
  std::uint32_t rom_crc = 0;
  std::memcpy(&format, state.data() + offsetof(State, format), sizeof format);
  std::memcpy(&rom_crc, state.data() + offsetof(State, rom_crc), sizeof rom_crc);
  SINV_CHECK(format == kStateFormat, "Cabinet::restore: the state has format ", format, ", this build reads ",
             kStateFormat);
  SINV_CHECK(rom_crc == rom_->crc, "Cabinet::restore: the state was saved with the ROM of CRC ", std::hex, rom_crc,
             ", this cabinet has ", rom_->crc, "; load that ROM first");
  std::memcpy(&state_, state.data(), sizeof(State));
}

std::uint8_t Cabinet::peek(std::uint16_t address) const {
  return sinv::peek(state_.board, rom_->bytes.data(), address);
}

void Cabinet::poke(std::uint16_t address, std::uint8_t value) {
  if ((address & 0x2000) != 0) state_.board.ram[address & 0x1FFF] = value;
}

}  // namespace sinv
