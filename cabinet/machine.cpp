#include "cabinet/machine.h"

namespace sinv {

std::uint32_t Machine::run_stretch(const Stretch& stretch, FrameSink& sink) {
  SINV_CHECK(stretch.frames >= 1 && stretch.frames <= kStretchFrames, "Machine::run_stretch: a stretch of ",
             stretch.frames, " frames, wanted 1 to ", kStretchFrames);
  SINV_CHECK(!stretch.buttons.empty(), "Machine::run_stretch: a stretch without buttons");
  for (std::uint32_t i = 0; i < stretch.frames; ++i) {
    const FrameButtons& now = stretch.buttons[std::min<std::size_t>(i, stretch.buttons.size() - 1)];
    const bool pressed = now.ready != 0 && stretch.press != nullptr && stretch.press->holds(ram());
    const std::uint8_t buttons = pressed ? static_cast<std::uint8_t>(now.held | now.ready) : now.held;
    run(std::span(&buttons, 1));
    sink.frame(ram());
    if (stretch.stop != nullptr && stretch.stop->holds(ram())) return i + 1;
  }
  return stretch.frames;
}

}  // namespace sinv
