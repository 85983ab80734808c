#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "kernels/device.h"
#include "kernels/device_api.h"

/// What a program holds of the chosen device: memory, streams, events, graphs. Each gives back what it took.
/// Thread: one owner each. Errors: those of DeviceServices, and Error without a loaded module.
namespace sinv {

namespace device_detail {
// Frees with the services that took, whatever module is in use by then.
struct Free {
  void (*free)(void*) = nullptr;
  void operator()(void* thing) const { free(thing); }
};
using Handle = std::unique_ptr<void, Free>;
}  // namespace device_detail

/// Memory of the device, zeroed: only operations and copies may touch it.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  explicit DeviceBuffer(std::size_t bytes);
  void* data() const { return memory_.get(); }
  std::size_t bytes() const { return bytes_; }

 private:
  device_detail::Handle memory_;
  std::size_t bytes_ = 0;
};

/// Memory of the host that the device copies from and to by itself, zeroed; operations may read it in place.
class PinnedBuffer {
 public:
  PinnedBuffer() = default;
  explicit PinnedBuffer(std::size_t bytes);
  void* data() const { return memory_.get(); }
  std::size_t bytes() const { return bytes_; }

 private:
  device_detail::Handle memory_;
  std::size_t bytes_ = 0;
};

/// A queue of work. Destroying it waits for what is queued.
class DeviceStream {
 public:
  DeviceStream();
  Stream stream() const { return {Device::kCuda, handle_.get()}; }

 private:
  device_detail::Handle handle_;
};

/// A point in a stream's work.
class DeviceEvent {
 public:
  DeviceEvent();
  void record(const Stream& stream);
  /// The stream goes on when the point is reached; at once if it was never recorded.
  void hold(const Stream& stream) const;
  /// The calling thread waits.
  void wait() const;
  /// Time from `from` to this; both have been reached.
  double ms_since(const DeviceEvent& from) const;

 private:
  device_detail::Handle handle_;
};

/// Work that was recorded once and is queued as a whole.
class DeviceGraph {
 public:
  DeviceGraph() = default;
  /// What `queue` queues on the stream is recorded, not run. It must have run before, outside a graph, so that
  /// libraries have prepared themselves. If it throws, nothing is recorded.
  DeviceGraph(const Stream& stream, const std::function<void()>& queue);
  void launch(const Stream& stream) const;
  explicit operator bool() const { return handle_ != nullptr; }

 private:
  device_detail::Handle handle_;
};

/// Names what the calling thread queues while it lives, for profilers. Nothing on the CPU.
class DeviceRange {
 public:
  DeviceRange(const Stream& stream, const char* name);
  ~DeviceRange();
  DeviceRange(const DeviceRange&) = delete;
  DeviceRange& operator=(const DeviceRange&) = delete;

 private:
  void (*pop_)() = nullptr;
};

/// Queues a copy between memory of the host (pinned) and of the device, either way, or inside one of them. On the CPU
/// it is done at once.
void queue_copy(const Stream& stream, void* to, const void* from, std::size_t bytes);
/// The same for memory of any kind, and waits for it: for what happens rarely.
void copy_and_wait(const Stream& stream, void* to, const void* from, std::size_t bytes);
/// Sets to zero.
void queue_clear(const Stream& stream, void* memory, std::size_t bytes);
/// The calling thread waits for all that is queued.
void wait_for(const Stream& stream);
/// The same before memory that the work uses is given back: a device that is lost has nothing left to wait for.
void settle(const Stream& stream) noexcept;

}  // namespace sinv
