#pragma once

#include <cstdint>

#include "game/vec_env.h"

namespace sinv {

/// Speeds of stepping envs under random actions, auto-reset included.
struct EnvBench {
  double steps_per_s = 0;
  double frames_per_s = 0;          // frames run in steps (idle start frames are not counted)
  double machine_frames_per_s = 0;  // the machine alone, one frame per call, same kind of play
  double observation_ns = 0;        // one compute_features()
};

/// Steps `envs` envs `steps` times each, on `threads` threads. Takes about the time that work needs.
/// Errors: as VecEnv.
EnvBench bench_env(const MachineFactory& make_machine, const EnvSettings& settings, std::size_t envs, std::size_t steps,
                   int threads, std::uint64_t seed);

}  // namespace sinv
