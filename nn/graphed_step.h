#pragma once

#include <array>

#include "kernels/device_memory.h"

namespace sinv {

/// Work that is queued again and again with the same memory: on a device as a graph from its second time on. The first
/// time it is queued piece by piece, so that the libraries prepare themselves and take their memory.
/// Thread: the stream's.
class GraphedStep {
 public:
  /// Calls queue(), which queues on `stream`, or launches what it queued the first time that this variant came after
  /// the warm-up. What queue() does to the host beside queueing happens only when it is called.
  template <class Queue>
  void run(const Stream& stream, std::size_t variant, Queue&& queue) {
    if (stream.device == Device::kCpu || !warm_) {
      queue();
      warm_ = true;
      return;
    }
    DeviceGraph& graph = graphs_[variant];
    if (!graph) graph = DeviceGraph(stream, queue);
    graph.launch(stream);
  }

 private:
  bool warm_ = false;
  std::array<DeviceGraph, 2> graphs_;
};

}  // namespace sinv
