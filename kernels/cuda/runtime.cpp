#include "kernels/cuda/runtime.h"

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <nvtx3/nvToolsExt.h>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/workspace.h"

namespace sinv {
namespace {

std::atomic<int> selected_device{0};
std::atomic<Precision> precision_in_use{Precision::kFloat32};

// Streams are few and live long. Looking one up is a walk over pointers, without a lock.
constexpr std::size_t kMostStreams = 64;
std::array<std::atomic<StreamState*>, kMostStreams>& streams() {
  static std::array<std::atomic<StreamState*>, kMostStreams> all{};
  return all;
}

cudaStream_t as_stream(void* handle) { return static_cast<cudaStream_t>(handle); }
cudaEvent_t as_event(void* handle) { return static_cast<cudaEvent_t>(handle); }

std::string dotted(int version) { return text(version / 1000, '.', version % 1000 / 10); }

// A device that answers with one of these answers nothing else in this process.
bool is_lost(cudaError_t status) {
  switch (status) {
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorContained:
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorUnknown:
      return true;
    default:
      return false;
  }
}

// `what` is not to be had: "64 MiB more of GPU memory".
[[noreturn]] void throw_out_of_memory(const std::string& what) {
  static_cast<void>(cudaGetLastError());
  std::size_t free = 0;
  std::size_t total = 0;
  static_cast<void>(cudaMemGetInfo(&free, &total));
  throw UserError(text("device cuda:", selected_device.load(), ": ", what, " is not to be had (", free >> 20U,
                       " of the GPU's ", total >> 20U,
                       " MiB are free); take a smaller batch or replay, or run with --device cpu"));
}

[[noreturn]] void throw_for(cudaError_t status, const char* call) {
  static_cast<void>(cudaGetLastError());  // the error is told once
  const std::string device = text("device cuda:", selected_device.load());
  const std::string own = text(call, ": ", cudaGetErrorName(status), ", ", cudaGetErrorString(status));
  if (status == cudaErrorMemoryAllocation) throw_out_of_memory(text("memory for ", call));
  if (is_lost(status)) {
    throw UserError(text(device, " was lost (", own, "); what was saved last is intact: go on with --resume"));
  }
  throw Error(text(device, ": ", own));
}

std::string mebibytes(std::size_t bytes, const char* where) {
  return text(bytes >> 20U, " MiB more of ", where, " memory");
}

DeviceVersions versions() {
  DeviceVersions found;
  static_cast<void>(cudaDriverGetVersion(&found.driver));
  static_cast<void>(cudaRuntimeGetVersion(&found.runtime));
  found.blas = cublasLtGetVersion();
  found.dnn = cudnnGetVersion();
  return found;
}

int count() {
  int found = 0;
  const cudaError_t status = cudaGetDeviceCount(&found);
  static_cast<void>(cudaGetLastError());
  if (status == cudaSuccess && found > 0) return found;
  const DeviceVersions known = versions();
  if (status == cudaErrorInsufficientDriver && known.driver == 0) {
    throw UserError("device cuda: this machine has no NVIDIA driver; run with --device cpu");
  }
  if (status == cudaErrorInsufficientDriver) {
    throw UserError(text("device cuda: the NVIDIA driver is for CUDA ", dotted(known.driver), ", this build wants ",
                         dotted(known.runtime), " or newer; update the driver, or run with --device cpu"));
  }
  if (status == cudaSuccess || status == cudaErrorNoDevice) {
    throw UserError("device cuda: the NVIDIA driver finds no GPU; run with --device cpu");
  }
  throw UserError(
      text("device cuda: ", cudaGetErrorString(status), " (", cudaGetErrorName(status), "); run with --device cpu"));
}

DeviceFacts facts(int device) {
  cudaDeviceProp found{};
  check_call(cudaGetDeviceProperties(&found, device), "cudaGetDeviceProperties");
  DeviceFacts out;
  static_assert(sizeof out.name == sizeof found.name);
  std::memcpy(out.name, found.name, sizeof out.name);
  out.major = found.major;
  out.minor = found.minor;
  out.multiprocessors = found.multiProcessorCount;
  out.memory_bytes = found.totalGlobalMem;
  return out;
}

void select(int device, Precision precision) {
  selected_device = device;
  precision_in_use = precision;
  enter_device();
  check_architecture(device, facts(device));
}

void* memory_take(std::size_t bytes) {
  enter_device();
  if (bytes == 0) return nullptr;
  void* memory = take_memory(bytes);
  // The thread's own stream, because other streams of ours wait for none.
  check_call(cudaMemsetAsync(memory, 0, bytes, cudaStreamPerThread), "cudaMemsetAsync");
  check_call(cudaStreamSynchronize(cudaStreamPerThread), "cudaStreamSynchronize");
  return memory;
}

std::size_t memory_left() {
  enter_device();
  std::size_t free = 0;
  std::size_t total = 0;
  check_call(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  return free;
}

void memory_free(void* memory) { static_cast<void>(cudaFree(memory)); }

void* pinned_take(std::size_t bytes) {
  enter_device();
  if (bytes == 0) return nullptr;
  void* memory = nullptr;
  const cudaError_t status = cudaHostAlloc(&memory, bytes, cudaHostAllocMapped | cudaHostAllocPortable);
  if (status == cudaErrorMemoryAllocation) throw_out_of_memory(mebibytes(bytes, "pinned host"));
  check_call(status, "cudaHostAlloc");
  std::memset(memory, 0, bytes);
  return memory;
}

void pinned_free(void* memory) { static_cast<void>(cudaFreeHost(memory)); }

void stream_destroy(void* handle) {
  for (auto& slot : streams()) {
    StreamState* state = slot.load(std::memory_order_acquire);
    if (state == nullptr || state->stream != as_stream(handle)) continue;
    slot.store(nullptr, std::memory_order_release);
    static_cast<void>(cudaStreamSynchronize(state->stream));
    state->convolutions.reset();
    state->products.reset();
    try {
      detach_workspace({Device::kCuda, handle});
    } catch (const Error&) {  // a lost device frees nothing
    }
    if (state->blas != nullptr) static_cast<void>(cublasLtDestroy(state->blas));
    static_cast<void>(cudaFree(state->workspace));
    static_cast<void>(cudaStreamDestroy(state->stream));
    delete state;
    return;
  }
}

void* stream_create() {
  enter_device();
  auto state = std::make_unique<StreamState>();
  check_call(cudaStreamCreateWithFlags(&state->stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  StreamState* made = state.get();
  bool kept = false;
  for (auto& slot : streams()) {
    StreamState* empty = nullptr;
    kept = slot.compare_exchange_strong(empty, made, std::memory_order_acq_rel);
    if (kept) break;
  }
  if (!kept) static_cast<void>(cudaStreamDestroy(made->stream));
  SINV_CHECK(kept, "device cuda: more than ", kMostStreams, " streams");
  state.release();  // NOLINT(bugprone-unused-return-value): the slot owns it
  try {
    check_call(cublasLtCreate(&made->blas), "cublasLtCreate");
    made->workspace = memory_take(StreamState::kWorkspaceBytes);
    attach_workspace({Device::kCuda, made->stream});
  } catch (const CudaError& error) {
    stream_destroy(made->stream);
    check_call(error.status, error.call.c_str());
  } catch (...) {
    stream_destroy(made->stream);
    throw;
  }
  return made->stream;
}

void stream_wait_host(void* stream) {
  enter_device();
  check_call(cudaStreamSynchronize(as_stream(stream)), "cudaStreamSynchronize");
}

void copy(void* stream, void* to, const void* from, std::size_t bytes) {
  enter_device();
  if (bytes > 0) check_call(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, as_stream(stream)), "cudaMemcpyAsync");
}

void clear(void* stream, void* memory, std::size_t bytes) {
  enter_device();
  if (bytes > 0) check_call(cudaMemsetAsync(memory, 0, bytes, as_stream(stream)), "cudaMemsetAsync");
}

void* event_create() {
  enter_device();
  cudaEvent_t event = nullptr;
  check_call(cudaEventCreateWithFlags(&event, cudaEventDefault), "cudaEventCreateWithFlags");
  return event;
}

void event_destroy(void* event) { static_cast<void>(cudaEventDestroy(as_event(event))); }

void event_record(void* event, void* stream) {
  enter_device();
  check_call(cudaEventRecord(as_event(event), as_stream(stream)), "cudaEventRecord");
}

void event_wait_stream(void* event, void* stream) {
  enter_device();
  check_call(cudaStreamWaitEvent(as_stream(stream), as_event(event), 0), "cudaStreamWaitEvent");
}

void event_wait_host(void* event) {
  enter_device();
  check_call(cudaEventSynchronize(as_event(event)), "cudaEventSynchronize");
}

double event_ms(void* from, void* to) {
  enter_device();
  float passed = 0;
  check_call(cudaEventElapsedTime(&passed, as_event(from), as_event(to)), "cudaEventElapsedTime");
  return static_cast<double>(passed);
}

// Of this thread only, so that another one may take memory meanwhile.
void capture_begin(void* stream) {
  enter_device();
  check_call(cudaStreamBeginCapture(as_stream(stream), cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
}

void* capture_end(void* stream) {
  enter_device();
  cudaGraph_t graph = nullptr;
  check_call(cudaStreamEndCapture(as_stream(stream), &graph), "cudaStreamEndCapture");
  cudaGraphExec_t ready = nullptr;
  const cudaError_t status = cudaGraphInstantiate(&ready, graph, 0);
  static_cast<void>(cudaGraphDestroy(graph));
  check_call(status, "cudaGraphInstantiate");
  check_call(cudaGraphUpload(ready, as_stream(stream)), "cudaGraphUpload");
  return ready;
}

void capture_drop(void* stream) {
  cudaGraph_t graph = nullptr;
  static_cast<void>(cudaStreamEndCapture(as_stream(stream), &graph));
  if (graph != nullptr) static_cast<void>(cudaGraphDestroy(graph));
  static_cast<void>(cudaGetLastError());
}

void graph_launch(void* graph, void* stream) {
  enter_device();
  check_call(cudaGraphLaunch(static_cast<cudaGraphExec_t>(graph), as_stream(stream)), "cudaGraphLaunch");
}

void graph_destroy(void* graph) { static_cast<void>(cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(graph))); }

void range_push(const char* name) { static_cast<void>(nvtxRangePushA(name)); }
void range_pop() { static_cast<void>(nvtxRangePop()); }

}  // namespace

void check_call(cudaError_t status, const char* call) {
  if (status != cudaSuccess) throw_for(status, call);
}

// The libraries answer with a status of their own when the device is lost; the device's own word is then the reason.
void check_call(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  if (status == CUBLAS_STATUS_ALLOC_FAILED) throw_out_of_memory(text("memory for ", call));
  check_call(cudaGetLastError(), call);
  throw Error(text("device cuda:", selected_device.load(), ": ", call, ": ", cublasLtGetStatusName(status), ", ",
                   cublasLtGetStatusString(status)));
}

void check_call(cudnnStatus_t status, const char* call) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  check_call(cudaGetLastError(), call);
  std::array<char, 1024> last{};
  cudnnGetLastErrorString(last.data(), last.size());
  throw Error(text("device cuda:", selected_device.load(), ": ", call, ": ", cudnnGetErrorString(status), " (",
                   last.data(), ')'));
}

void* take_memory(std::size_t bytes) {
  void* memory = nullptr;
  const cudaError_t status = cudaMalloc(&memory, bytes);
  if (status == cudaErrorMemoryAllocation) throw_out_of_memory(mebibytes(bytes, "GPU"));
  check_call(status, "cudaMalloc");
  return memory;
}

void enter_device() {
  thread_local int entered = -1;
  const int wanted = selected_device.load(std::memory_order_relaxed);
  if (entered == wanted) return;
  check_call(cudaSetDevice(wanted), "cudaSetDevice");
  entered = wanted;
}

Precision selected_precision() { return precision_in_use.load(std::memory_order_relaxed); }

StreamState& state_of(const Stream& stream) {
  for (auto& slot : streams()) {
    StreamState* state = slot.load(std::memory_order_acquire);
    if (state != nullptr && state->stream == as_stream(stream.handle)) return *state;
  }
  throw Error("device cuda: an operation was queued on a stream that is not there");
}

bool is_capturing(const Stream& stream) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  check_call(cudaStreamIsCapturing(as_stream(stream.handle), &status), "cudaStreamIsCapturing");
  return status != cudaStreamCaptureStatusNone;
}

DeviceServices cuda_services() {
  return {.versions = versions,
          .count = count,
          .facts = facts,
          .select = select,
          .memory_take = memory_take,
          .memory_left = memory_left,
          .memory_free = memory_free,
          .pinned_take = pinned_take,
          .pinned_free = pinned_free,
          .stream_create = stream_create,
          .stream_destroy = stream_destroy,
          .stream_wait_host = stream_wait_host,
          .copy = copy,
          .clear = clear,
          .event_create = event_create,
          .event_destroy = event_destroy,
          .event_record = event_record,
          .event_wait_stream = event_wait_stream,
          .event_wait_host = event_wait_host,
          .event_ms = event_ms,
          .capture_begin = capture_begin,
          .capture_end = capture_end,
          .capture_drop = capture_drop,
          .graph_launch = graph_launch,
          .graph_destroy = graph_destroy,
          .range_push = range_push,
          .range_pop = range_pop};
}

}  // namespace sinv
