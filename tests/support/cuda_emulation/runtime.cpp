#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "tests/support/cuda_emulation/cuda_runtime_api.h"

// NOLINTBEGIN: names and forms are CUDA's.
using sinv::cuda_emulation::machine;
using sinv::cuda_emulation::submit;
using Work = std::function<void()>;

struct CUstream_st {};
struct CUevent_st {};
struct CUgraph_st {
  std::vector<Work> works;
};
struct CUgraphExec_st {
  std::vector<Work> works;
};

namespace {

struct State {
  sinv::cuda_emulation::Machine machine;
  cudaError_t last = cudaSuccess;
  std::map<void*, std::unique_ptr<CUgraph_st>> captures;
  std::map<void*, std::size_t> pieces;
  std::size_t held = 0;
};
State& state() {
  static State all;
  return all;
}

cudaError_t told(cudaError_t error) {
  if (error != cudaSuccess) state().last = error;
  return error;
}

// What a function answers before it does anything.
cudaError_t fault(const char* function, bool captured_too = true) {
  sinv::cuda_emulation::Machine& m = state().machine;
  if (m.driver == 0) return told(cudaErrorInsufficientDriver);
  if (m.error != cudaSuccess && std::strcmp(m.function, function) == 0 && (m.calls <= 1 || --m.calls == 0)) {
    if (m.lost) m.function = "";
    return told(m.error);
  }
  if (m.lost && m.function[0] == '\0') return told(m.error);
  if (!captured_too && !state().captures.empty()) return told(cudaErrorStreamCaptureUnsupported);
  return cudaSuccess;
}

cudaError_t take(void** to, std::size_t bytes, const char* function) {
  const cudaError_t wrong = fault(function, false);
  if (wrong != cudaSuccess) return wrong;
  if (state().held + bytes > machine().memory_bytes) return told(cudaErrorMemoryAllocation);
  *to = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  if (*to == nullptr && bytes > 0) return told(cudaErrorMemoryAllocation);
  if (*to != nullptr) std::memset(*to, 0xFF, bytes);
  state().pieces[*to] = bytes;
  state().held += bytes;
  return cudaSuccess;
}

cudaError_t give(void* memory) {
  const auto found = state().pieces.find(memory);
  if (found != state().pieces.end()) {
    state().held -= found->second;
    state().pieces.erase(found);
  }
  std::free(memory);
  return cudaSuccess;
}

}  // namespace

namespace sinv::cuda_emulation {

Machine& machine() { return state().machine; }
cudaError_t launch_fault() { return fault("launch"); }
std::size_t bytes_held() { return state().held; }
void submit(void* stream, std::function<void()> work) {
  const auto found = state().captures.find(stream);
  if (found == state().captures.end()) {
    work();
  } else {
    found->second->works.push_back(std::move(work));
  }
}

}  // namespace sinv::cuda_emulation

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
#define SINV_CUDA_ERROR(name, value, text) \
  case name:                               \
    return text;
    SINV_CUDA_ERRORS(SINV_CUDA_ERROR)
#undef SINV_CUDA_ERROR
  }
  return "";
}
const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
#define SINV_CUDA_ERROR(name, value, text) \
  case name:                               \
    return #name;
    SINV_CUDA_ERRORS(SINV_CUDA_ERROR)
#undef SINV_CUDA_ERROR
  }
  return "";
}
cudaError_t cudaGetLastError() { return std::exchange(state().last, cudaSuccess); }
cudaError_t cudaDriverGetVersion(int* version) {
  *version = machine().driver;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* count) {
  const cudaError_t wrong = machine().driver < 13000 ? told(cudaErrorInsufficientDriver) : fault("cudaGetDeviceCount");
  if (wrong != cudaSuccess) return wrong;
  *count = machine().devices;
  return *count == 0 ? told(cudaErrorNoDevice) : cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {"emulated device", std::size_t{1} << 30U, 9, 0, 1};
  return fault("cudaGetDeviceProperties");
}
cudaError_t cudaSetDevice(int device) {
  return device < machine().devices ? fault("cudaSetDevice") : told(cudaErrorInvalidValue);
}
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes*, const void*) { return fault("cudaFuncGetAttributes"); }

cudaError_t cudaMalloc(void** to, std::size_t bytes) { return take(to, bytes, "cudaMalloc"); }
cudaError_t cudaFree(void* memory) { return give(memory); }
cudaError_t cudaHostAlloc(void** to, std::size_t bytes, unsigned) { return take(to, bytes, "cudaHostAlloc"); }
cudaError_t cudaFreeHost(void* memory) { return give(memory); }
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *total = machine().memory_bytes;
  *free = *total - state().held;
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
  const cudaError_t wrong = fault("cudaMemcpyAsync");
  if (wrong == cudaSuccess && bytes > 0) submit(stream, [=] { std::memcpy(to, from, bytes); });
  return wrong;
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  const cudaError_t wrong = fault("cudaMemsetAsync");
  if (wrong == cudaSuccess && bytes > 0) submit(stream, [=] { std::memset(to, value, bytes); });
  return wrong;
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) { return cudaStreamCreateWithFlags(stream, 0); }
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  const cudaError_t wrong = fault("cudaStreamCreateWithFlags");
  if (wrong == cudaSuccess) *stream = new CUstream_st;
  return wrong;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) { return fault("cudaStreamSynchronize", false); }
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return fault("cudaStreamWaitEvent"); }
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  const cudaError_t wrong = fault("cudaStreamBeginCapture", false);
  if (wrong == cudaSuccess) state().captures[stream] = std::make_unique<CUgraph_st>();
  return wrong;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const auto found = state().captures.find(stream);
  if (found == state().captures.end()) return told(cudaErrorInvalidValue);
  *graph = found->second.release();
  state().captures.erase(found);
  return fault("cudaStreamEndCapture");
}
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  *status = state().captures.contains(stream) ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
  return fault("cudaStreamIsCapturing");
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new CUevent_st;
  return fault("cudaEventCreateWithFlags");
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return fault("cudaEventRecord"); }
cudaError_t cudaEventSynchronize(cudaEvent_t) { return fault("cudaEventSynchronize", false); }
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t, cudaEvent_t) {
  *ms = 1.0F;
  return fault("cudaEventElapsedTime");
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* ready, cudaGraph_t graph, unsigned long long) {
  const cudaError_t wrong = fault("cudaGraphInstantiate");
  if (wrong == cudaSuccess) *ready = new CUgraphExec_st{graph->works};
  return wrong;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t) { return fault("cudaGraphUpload"); }
cudaError_t cudaGraphLaunch(cudaGraphExec_t ready, cudaStream_t stream) {
  const cudaError_t wrong = fault("cudaGraphLaunch");
  if (wrong == cudaSuccess) {
    submit(stream, [ready] {
      for (const Work& work : ready->works) work();
    });
  }
  return wrong;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t ready) {
  delete ready;
  return cudaSuccess;
}
// NOLINTEND
