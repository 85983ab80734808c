#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bridge/mame/farm.h"
#include "bridge/mame/latency.h"
#include "bridge/mame/protocol.h"
#include "cabinet/machine.h"

namespace sinv::mame {

/// The cabinet in MAME, held still between two requests. Steps take no memory once the buffers have grown.
/// Without `pictures` only work RAM is kept current, and the picture stays the last that was asked for.
/// Thread: one owner. Errors: a MAME that ends, hangs or sends nonsense is stopped and replaced, and the call that saw
/// it throws MachineLost; UserError, with MAME's last lines, when three replacements fail; Error when the plugin
/// answers that it cannot do what was asked (the machine goes on) and for a broken contract.
class MameMachine final : public Machine {
 public:
  /// Waits for the MAME of `seat` and switches it on. Errors: UserError.
  MameMachine(std::shared_ptr<MameFarm> farm, MameFarm::Seat seat);
  /// Asks MAME to end.
  ~MameMachine() override;
  MameMachine(const MameMachine&) = delete;
  MameMachine& operator=(const MameMachine&) = delete;

  void power_on() override;
  void run(std::span<const std::uint8_t> buttons) override;
  /// One request for the whole stretch.
  std::uint32_t run_stretch(const Stretch& stretch, FrameSink& sink) override;
  const Ram& ram() const override;
  const Ram& ram_before() const override;
  std::uint64_t frame() const override;
  std::size_t state_bytes() const override;
  void save(std::span<std::byte> state) const override;
  /// Errors: Error when `state` has another size, is of another format, or was saved with another ROM.
  void restore(std::span<const std::byte> state) override;

  /// Lines of the text protocol, without `__end__`; one line of answer for each. May run frames and write memory.
  std::string console(const std::string& lines);
  /// What stands on MAME's screen until the next call.
  void draw_text(const std::vector<ScreenText>& lines);
  /// Real time times `rate`, or as fast as it goes. Holds for replacements too.
  void throttle(bool on, double rate = 1);
  /// Every request is printed to MAME's output. Holds for replacements too.
  void debug(bool on);
  StatisticsReply statistics();
  void read(std::uint16_t address, std::span<std::uint8_t> bytes);
  void write(std::uint16_t address, std::span<const std::uint8_t> bytes);
  /// The board's reset; carried out before the next frame.
  void soft_reset();
  void set_pictures(bool on);

  int instance() const;
  /// Process number of the MAME behind it; 0 when somebody else has started it.
  int pid() const;
  /// MAMEs that were lost and replaced.
  std::uint64_t losses() const;
  const Hello& hello() const;
  /// Since the machine was made, or clear_latency(), over all its MAMEs.
  Latency latency() const;
  void clear_latency();

 private:
  struct Body;
  std::unique_ptr<Body> body_;  // save() is const, and may find its MAME dead
};

}  // namespace sinv::mame
