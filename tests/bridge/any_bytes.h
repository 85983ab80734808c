#pragma once

#include <cstddef>
#include <span>

namespace sinv::mame {

/// Gives any bytes to the frame reader, and every frame it finds to the decoder of every kind. The first byte says in
/// which pieces the others come. Throws when a rule of the protocol was let through; else only must not crash.
void take_any_bytes(std::span<const std::byte> bytes);

}  // namespace sinv::mame
