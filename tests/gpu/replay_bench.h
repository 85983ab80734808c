#pragma once

namespace sinv {

/// Prints what a batch of pictures costs: drawing, gathering and new priorities alone, and with the update that they
/// belong to; rows read from the host and on the device. `copy_gigabytes_per_s`: of a copy inside the device.
void print_replay(double copy_gigabytes_per_s);

}  // namespace sinv
