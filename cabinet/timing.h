#pragma once

#include <cstdint>

#include "base/hd.h"

namespace sinv {

/// Video timing of the 1978 cabinet, in integers, so that a run replays exactly.
/// Units: cycles are 8080 clocks at 1.9968 MHz. A frame starts where vertical blanking starts (raster line 224): that
/// is time 0 of the machine and the point at which a frame is done.
/// Source: MAME mw8080bw.h (clocks, HTOTAL, VTOTAL, interrupt counts 0x80 and 0xDA).
inline constexpr int kLinePixels = 320;
inline constexpr int kFrameLines = 262;
inline constexpr int kVblankLine = 224;
inline constexpr int kMidScreenLine = 0x80 - 0x20;       // the vertical counter starts at 0x20 on line 0
inline constexpr int kLineCycles = kLinePixels * 2 / 5;  // the CPU clock is 2/5 of the pixel clock
inline constexpr int kFrameCycles = kLineCycles * kFrameLines;
inline constexpr int kMidScreenCycle = (kFrameLines - kVblankLine + kMidScreenLine) * kLineCycles;
static_assert(kLineCycles == 128 && kFrameCycles == 33'536 && kMidScreenCycle == 17'152);

inline constexpr double kCpuHz = 19'968'000.0 / 10;
inline constexpr double kFrameHz = kCpuHz / kFrameCycles;

/// The watchdog resets the CPU this long after the last OUT 6 (MAME: 255 frame periods).
inline constexpr int kWatchdogFrames = 255;
inline constexpr std::int64_t kWatchdogCycles = std::int64_t{kWatchdogFrames} * kFrameCycles;

/// The first cycle at which MAME's CPU does not begin another instruction before an event at cycle `event` of the
/// video. Video time is exact in MAME; CPU time is counted in cycles of 500,801,282,051 attoseconds, 1 attosecond more
/// than 1/128 of a line. So `event` cycles end `event` attoseconds late, and a cycle that does not fit whole before the
/// event is not begun: from the second frame on the CPU stops a cycle early. (In the first two slices MAME's division,
/// which is a little coarse, hides this.) Source: MAME schedule.cpp, timeslice(); screen.cpp; compared with MAME 0.251.
SINV_HD constexpr std::uint64_t stop_cycle(std::uint64_t event) {
  constexpr std::uint64_t kCycleAttoseconds = 1'000'000'000'000'000'000U / 1'996'800U;
  return event <= static_cast<std::uint64_t>(kFrameCycles) ? event : event - 1 - (event - 1) / kCycleAttoseconds;
}

}  // namespace sinv
