#pragma once

#include <cstddef>
#include <span>

#include "kernels/device_memory.h"
#include "nn/large_memory.h"

namespace sinv {

/// Floats where a stream's operations read and write them: ordinary memory on the CPU, else the device's. Zeroed.
/// Thread: the stream's.
class DeviceFloats {
 public:
  DeviceFloats() = default;
  DeviceFloats(const Stream& stream, std::size_t count);

  std::span<float> span() { return {data_, count_}; }
  std::span<const float> span() const { return {data_, count_}; }
  std::size_t size() const { return count_; }
  /// Both are finished on return, after what is queued on the stream. Errors: Error if the sizes differ.
  void put(std::span<const float> from);
  void get(std::span<float> to) const;

 private:
  Stream stream_;
  std::size_t count_ = 0;
  float* data_ = nullptr;
  LargeFloats host_;
  DeviceBuffer device_;
};

/// One T in the same place: what a graph reads and changes by itself (kernels/step_state.h).
template <class T>
class DeviceValue {
 public:
  DeviceValue(const Stream& stream, const T& value) : stream_(stream), host_(value) {
    if (stream.device == Device::kCpu) return;
    device_ = DeviceBuffer(sizeof(T));
    put(value);
  }
  DeviceValue(const DeviceValue&) = delete;
  DeviceValue& operator=(const DeviceValue&) = delete;

  T* data() { return stream_.device == Device::kCpu ? &host_ : static_cast<T*>(device_.data()); }
  void put(const T& value) {
    host_ = value;
    if (stream_.device != Device::kCpu) copy_and_wait(stream_, device_.data(), &host_, sizeof(T));
  }
  T get() const {
    T value = host_;
    if (stream_.device != Device::kCpu) copy_and_wait(stream_, &value, device_.data(), sizeof(T));
    return value;
  }

 private:
  Stream stream_;
  T host_;
  DeviceBuffer device_;
};

}  // namespace sinv
