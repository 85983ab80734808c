#pragma once

namespace sinv {

/// What is known of an 8080 opcode before it runs. Undocumented ones are their aliases.

/// Bytes: 1 to 3.
int length_of(int opcode);

/// Cycles as MAME 0.251 counts (XCHG 5); of conditional calls and returns those when taken: 6 more than when not.
int cycles_of(int opcode);

/// Jumps, calls, returns, RST, PCHL: what does not always go on behind itself.
bool ends_block(int opcode);

/// What may go on behind itself: all but the unconditional ones of those.
bool falls_through(int opcode);

}  // namespace sinv
