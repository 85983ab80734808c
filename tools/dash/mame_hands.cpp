#include "tools/dash/mame_hands.h"

#include <fmt/core.h>

#include "bridge/mame/mame_machine.h"

namespace sinv {

namespace {

constexpr std::uint32_t kWhite = 0xFFFFFFFF;
constexpr std::int16_t kLeftEdge = 4;

}  // namespace

std::string words_on_mame(int game, std::uint8_t buttons) {
  const char* way = (buttons & kLeft) != 0 ? "left" : (buttons & kRight) != 0 ? "right" : "stay";
  return fmt::format("game {}  {}{}", game, way, (buttons & kFire) != 0 ? "+fire" : "");
}

HandledMame::HandledMame(std::shared_ptr<mame::MameFarm> farm, const MachineHands& hands)
    : farm_(std::move(farm)), hands_(hands), inner_(farm_->machine()) {}

HandledMame::~HandledMame() = default;

void HandledMame::obey(std::uint8_t buttons) {
  const bool debug = hands_.debug.load(std::memory_order_relaxed);
  if (debug != debug_) {
    inner_->debug(debug);
    debug_ = debug;
  }
  const bool text = hands_.text.load(std::memory_order_relaxed);
  if (text || !shown_.empty()) {
    std::string words = text ? words_on_mame(games_, buttons) : "";
    if (words != shown_) {
      std::vector<mame::ScreenText> lines;
      if (text) lines.push_back({kLeftEdge, 0, kWhite, words});
      inner_->draw_text(lines);
      shown_ = std::move(words);
    }
  }
  if (++steps_ < kStepsPerReport) return;
  steps_ = 0;
  farm_->remember(inner_->latency());
  inner_->clear_latency();
}

void HandledMame::power_on() {
  inner_->power_on();
  ++games_;
}

void HandledMame::run(std::span<const std::uint8_t> buttons) {
  if (!buttons.empty()) obey(buttons.front());
  inner_->run(buttons);
}

std::uint32_t HandledMame::run_stretch(const Stretch& stretch, FrameSink& sink) {
  obey(stretch.buttons.front().held | stretch.buttons.front().ready);
  return inner_->run_stretch(stretch, sink);
}

const Ram& HandledMame::ram() const { return inner_->ram(); }
const Ram& HandledMame::ram_before() const { return inner_->ram_before(); }
std::uint64_t HandledMame::frame() const { return inner_->frame(); }
std::size_t HandledMame::state_bytes() const { return inner_->state_bytes(); }
void HandledMame::save(std::span<std::byte> state) const { inner_->save(state); }

void HandledMame::restore(std::span<const std::byte> state) {
  inner_->restore(state);
  ++games_;
}

}  // namespace sinv
