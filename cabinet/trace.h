#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "cabinet/machine.h"

namespace sinv {

/// From the moment `frame` frames are done, the buttons are `mask`.
struct InputChange {
  std::uint64_t frame;
  std::uint8_t mask;
};

/// Reads an inputs file: a line is `frame mask`, both decimal or 0x hexadecimal, frames rising, bits of the mask as in
/// machine.h (0 coin, 1 start 1, 2 fire, 3 left, 4 right, 5 start 2); "#" begins a comment; empty lines are skipped.
/// Errors: UserError with `name` and the line's number.
std::vector<InputChange> parse_inputs(std::string_view letters, const std::string& name);

/// Runs `frames` frames from where the machine is and writes a line after each: frames done, CRC-32 of work RAM
/// ($2000-$23FF), CRC-32 of picture RAM ($2400-$3FFF), as "1 0123abcd 89abcdef". No buttons before the first change.
void trace_frames(Machine& machine, const std::vector<InputChange>& inputs, std::uint64_t frames, std::ostream& out);

}  // namespace sinv
