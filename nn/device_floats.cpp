#include "nn/device_floats.h"

namespace sinv {

DeviceFloats::DeviceFloats(const Stream& stream, std::size_t count) : stream_(stream), count_(count) {
  if (stream.device == Device::kCpu) {
    host_.assign(count, 0.0F);
    data_ = host_.data();
  } else {
    device_ = DeviceBuffer(count * sizeof(float));
    data_ = static_cast<float*>(device_.data());
  }
}

void DeviceFloats::put(std::span<const float> from) {
  SINV_CHECK(from.size() == count_, "device floats: ", from.size(), " values for ", count_);
  copy_and_wait(stream_, data_, from.data(), from.size_bytes());
}

void DeviceFloats::get(std::span<float> to) const {
  SINV_CHECK(to.size() == count_, "device floats: room for ", to.size(), " values of ", count_);
  copy_and_wait(stream_, to.data(), data_, to.size_bytes());
}

}  // namespace sinv
