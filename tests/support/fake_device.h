#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/device_module.h"

namespace sinv {

/// A device made of this process: its operations are the CPU's, its memory is the host's, so what it computes is
/// bit for bit what the CPU computes. What a real device forbids fails here too:
/// Memory:  of the device is closed (reading or writing it kills the test) but while an operation or copy runs; a
///          pointer that an operation gets must be of the device or pinned; a copy's host side must be pinned or be
///          waited for before anything else is queued.
/// Order:   kLate: nothing runs before somebody waits for it, and then only what that needs: a result that is read too
///          early is not there, a buffer that is filled again too early is read twice. kSoon: all runs when queued.
/// Capture: what is queued on a stream between begin and end becomes a list that a launch runs again, with the
///          arguments of the first time. Waiting or taking memory meanwhile is an Error, as on CUDA.
/// Errors:  Error naming the operation. Destroying it is the end of all it gave: nothing may be left.
/// Thread:  any, one at a time inside; it is the module in use (use_device_module) while it lives.
class FakeDevice {
 public:
  enum class Order : std::uint8_t { kLate, kSoon };
  struct Counts {
    int operations = 0;  // run, graphs included
    int copies = 0;
    int captures = 0;
    int graph_launches = 0;
    int waits = 0;  // of the host
    int taken = 0;  // pieces of memory, streams, events and graphs that are held now
    int takes = 0;  // and ever were
    int capturing_takes = 0;
  };

  explicit FakeDevice(Order order = Order::kLate);
  ~FakeDevice();
  FakeDevice(const FakeDevice&) = delete;
  FakeDevice& operator=(const FakeDevice&) = delete;

  Counts counts() const;
  /// Its operations, for a test that changes one of them.
  static const DeviceOps& table();
  /// From the n-th operation from now on, every call answers as a lost device does; 0: never.
  void lose_at(int operation);
  /// Bytes of device memory that may be taken in all.
  void set_memory(std::size_t bytes);
  /// Bytes of pinned memory that may be taken in one piece.
  void set_pinned(std::size_t bytes);

 private:
  const DeviceModule* before_;
};

}  // namespace sinv
