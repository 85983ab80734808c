// Compiles the CPU and the board for the device: a machine per thread. Nothing calls it; that it builds is the check.
#include "cabinet/board_run.h"

namespace sinv {

__global__ void power_on_kernel(Board* boards, std::uint8_t dips, int count) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) power_on_board(boards[i], dips);
}

__global__ void run_frames_kernel(Board* boards, const std::uint8_t* rom, const std::uint8_t* buttons, int frames,
                                  int count) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= count) return;
  for (int frame = 0; frame < frames; ++frame) {
    run_board_frame(boards[i], BoardBus(boards[i], rom), buttons[i * frames + frame]);
  }
}

}  // namespace sinv
