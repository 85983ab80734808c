#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "bridge/mame/farm.h"
#include "cabinet/machine.h"
#include "rl/trainer.h"

namespace sinv {

/// A MAME of a training that obeys the hands on it. With text it shows its game, counted from 1, and the buttons of the
/// step. Its latencies reach the farm every kStepsPerReport steps. Thread and errors: as the machine inside. `hands`
/// must outlive it.
class HandledMame final : public Machine {
 public:
  static constexpr int kStepsPerReport = 512;

  HandledMame(std::shared_ptr<mame::MameFarm> farm, const MachineHands& hands);
  ~HandledMame() override;
  HandledMame(const HandledMame&) = delete;
  HandledMame& operator=(const HandledMame&) = delete;

  void power_on() override;
  void run(std::span<const std::uint8_t> buttons) override;
  std::uint32_t run_stretch(const Stretch& stretch, FrameSink& sink) override;
  const Ram& ram() const override;
  const Ram& ram_before() const override;
  std::uint64_t frame() const override;
  std::size_t state_bytes() const override;
  void save(std::span<std::byte> state) const override;
  void restore(std::span<const std::byte> state) override;

 private:
  void obey(std::uint8_t buttons);

  std::shared_ptr<mame::MameFarm> farm_;
  const MachineHands& hands_;
  std::unique_ptr<mame::MameMachine> inner_;
  bool debug_ = false;
  std::string shown_;  // on MAME's screen
  int games_ = 0;
  int steps_ = 0;
};

/// What stands on MAME's screen: "game 3  left+fire".
std::string words_on_mame(int game, std::uint8_t buttons);

}  // namespace sinv
