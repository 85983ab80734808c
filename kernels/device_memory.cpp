#include "kernels/device_memory.h"

#include <cstring>

#include "kernels/device_module.h"

namespace sinv {
namespace {

const DeviceServices& services() { return device_module().services; }

}  // namespace

DeviceBuffer::DeviceBuffer(std::size_t bytes)
    : memory_(services().memory_take(bytes), {services().memory_free}), bytes_(bytes) {}

PinnedBuffer::PinnedBuffer(std::size_t bytes)
    : memory_(services().pinned_take(bytes), {services().pinned_free}), bytes_(bytes) {}

DeviceStream::DeviceStream() : handle_(services().stream_create(), {services().stream_destroy}) {}

DeviceEvent::DeviceEvent() : handle_(services().event_create(), {services().event_destroy}) {}
void DeviceEvent::record(const Stream& stream) { services().event_record(handle_.get(), stream.handle); }
void DeviceEvent::hold(const Stream& stream) const { services().event_wait_stream(handle_.get(), stream.handle); }
void DeviceEvent::wait() const { services().event_wait_host(handle_.get()); }
double DeviceEvent::ms_since(const DeviceEvent& from) const {
  return services().event_ms(from.handle_.get(), handle_.get());
}

DeviceGraph::DeviceGraph(const Stream& stream, const std::function<void()>& queue) {
  services().capture_begin(stream.handle);
  try {
    queue();
  } catch (...) {
    services().capture_drop(stream.handle);
    throw;
  }
  handle_ = {services().capture_end(stream.handle), {services().graph_destroy}};
}

void DeviceGraph::launch(const Stream& stream) const { services().graph_launch(handle_.get(), stream.handle); }

DeviceRange::DeviceRange(const Stream& stream, const char* name) {
  if (stream.device == Device::kCpu) return;
  services().range_push(name);
  pop_ = services().range_pop;
}

DeviceRange::~DeviceRange() {
  if (pop_ != nullptr) pop_();
}

void queue_copy(const Stream& stream, void* to, const void* from, std::size_t bytes) {
  if (stream.device == Device::kCuda) {
    services().copy(stream.handle, to, from, bytes);
  } else if (bytes > 0) {
    std::memcpy(to, from, bytes);
  }
}

void copy_and_wait(const Stream& stream, void* to, const void* from, std::size_t bytes) {
  queue_copy(stream, to, from, bytes);
  wait_for(stream);
}

void queue_clear(const Stream& stream, void* memory, std::size_t bytes) {
  if (stream.device == Device::kCuda) {
    services().clear(stream.handle, memory, bytes);
  } else if (bytes > 0) {
    std::memset(memory, 0, bytes);
  }
}

void wait_for(const Stream& stream) {
  if (stream.device == Device::kCuda) services().stream_wait_host(stream.handle);
}

void settle(const Stream& stream) noexcept {
  try {
    wait_for(stream);
  } catch (const std::exception&) {  // told by the call before
  }
}

}  // namespace sinv
