#pragma once

#include <cstddef>

#include "kernels/device.h"

/// Device memory for the partial results of one stream's operations. Operations of a stream follow one another, so one
/// piece serves all of them. A graph keeps the piece of the stream that it was captured on: it must not run beside
/// other work of that stream.
namespace sinv {

inline constexpr std::size_t kWorkspaceBytes = std::size_t{4} << 20;

/// Gives the stream its piece, before its first operation; a second call changes nothing. Allocates: not inside a step.
/// Thread: any. Errors: Error with CUDA's text when memory is short; Error past 64 streams.
void attach_workspace(const Stream& s);
/// Frees it, when the stream has no work left. A stream without one is no error.
void detach_workspace(const Stream& s);
/// kWorkspaceBytes of device memory. Errors: Error if attach_workspace was not called for this stream.
std::byte* workspace(const Stream& s);

}  // namespace sinv
