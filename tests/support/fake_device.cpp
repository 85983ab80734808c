#include "tests/support/fake_device.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <sys/mman.h>
#include <tuple>
#include <vector>

#include "kernels/step_state.h"

namespace sinv {
namespace {

constexpr std::size_t kRoom = std::size_t{1} << 30U;  // of addresses, not of memory
constexpr std::size_t kPage = 4096;

using Work = std::function<void()>;

struct FakeStream {
  std::deque<Work> queue;
  std::uint64_t queued = 0;
  std::uint64_t done = 0;
  std::unique_ptr<std::vector<Work>> captured;  // while capturing
};

struct FakeEvent {
  FakeStream* stream = nullptr;
  std::uint64_t at = 0;
};

using FakeGraph = std::vector<Work>;

// All of it, for the one device there is.
struct State {
  std::recursive_mutex mutex;
  FakeDevice::Order order = FakeDevice::Order::kLate;
  FakeDevice::Counts counts;
  std::byte* room = nullptr;
  std::size_t used = 0;
  std::size_t held = 0;  // bytes
  std::size_t memory = kRoom;
  std::size_t pinned_piece = kRoom;
  std::map<void*, std::size_t> pieces;
  std::map<void*, std::size_t> pinned;
  int open = 0;
  int lose_at = 0;
  const void* unsafe_copy = nullptr;  // the stream whose last copy has a host side that is not pinned

  void protect(int how) const {
    if (used > 0) ::mprotect(room, (used + kPage - 1) / kPage * kPage, how);
  }
};

State* state = nullptr;

void fail(bool wrong, const std::string& what) {
  if (wrong) throw Error("fake device: " + what);
}

using Lock = std::lock_guard<std::recursive_mutex>;

// Graphs that this thread captures. As on a device in its mode of capture by threads, others may take memory meanwhile.
thread_local int capturing = 0;

// Device memory is open while one lives.
class Open {
 public:
  Open() {
    if (state->open++ == 0) state->protect(PROT_READ | PROT_WRITE);
  }
  ~Open() {
    if (--state->open == 0) state->protect(PROT_NONE);
  }
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;
};

bool holds(const std::map<void*, std::size_t>& pieces, const void* at, std::size_t bytes) {
  auto next = pieces.upper_bound(const_cast<void*>(at));
  if (next == pieces.begin()) return false;
  --next;
  const auto* first = static_cast<const std::byte*>(next->first);
  const auto* from = static_cast<const std::byte*>(at);
  return from + bytes <= first + next->second;
}

bool is_ours(const void* at, std::size_t bytes) {
  return at == nullptr || bytes == 0 || holds(state->pieces, at, bytes) || holds(state->pinned, at, bytes);
}

void count_take() {
  ++state->counts.taken;
  ++state->counts.takes;
  fail(capturing > 0, "memory is taken while a graph is captured");
}

void check_lost() {
  if (state->lose_at > 0 && --state->lose_at == 0) state->lose_at = -1;
  if (state->lose_at < 0) {
    throw UserError("device cuda:0 was lost (fake); what was saved last is intact: go on with --resume");
  }
}

void run_until(FakeStream& stream, std::uint64_t done) {
  const Open open;
  while (stream.done < done) {
    fail(stream.queue.empty(), "a stream waits for work that was never queued");
    const Work work = std::move(stream.queue.front());
    stream.queue.pop_front();
    ++stream.done;
    work();
  }
}

void push(void* handle, Work work) {
  const Lock lock(state->mutex);
  fail(handle == nullptr, "work on no stream");
  fail(state->unsafe_copy == handle, "work is queued behind a copy from or to memory that is not pinned; wait first");
  auto& stream = *static_cast<FakeStream*>(handle);
  check_lost();
  if (stream.captured) {
    stream.captured->push_back(std::move(work));
    return;
  }
  stream.queue.push_back(std::move(work));
  ++stream.queued;
  if (state->order == FakeDevice::Order::kSoon) run_until(stream, stream.queued);
}

// What the arguments of an operation point to.
struct Pointers {
  const char* name;
  template <class T>
  void span(std::span<T> of) const {
    fail(!is_ours(of.data(), of.size_bytes()), text(name, " gets memory that is neither of the device nor pinned"));
  }
  void operator()(const ConstView& v) const { span(std::span(v.data, v.data == nullptr ? 0 : v.size())); }
  void operator()(const View& v) const { (*this)(ConstView(v)); }
  template <class T, std::size_t N>
  void operator()(const std::span<T, N>& of) const {
    span(std::span<T>(of));
  }
  void operator()(const PackedWeight& w) const {
    span(std::span(w.forward, 1));
    span(std::span(w.backward, w.backward == nullptr ? 0U : 1U));
  }
  void operator()(const LinearGradients& g) const { all(g.x, g.w, g.bias); }
  void operator()(const NormGradients& g) const { all(g.x, g.gain, g.bias); }
  void operator()(const GruGradients& g) const { all(g.gates, g.gain, g.bias, g.h); }
  void operator()(const KlGradients& g) const { all(g.posterior, g.prior); }
  void operator()(const LambdaGradients& g) const { all(g.reward, g.discount, g.value); }
  void operator()(const ConvImages& x) const { x.are_bytes() ? (*this)(x.frames) : (*this)(x.pixels); }
  void operator()(const DqnLossInputs& in) const {
    all(in.q_tm1, in.q_t_selector, in.q_t_value, in.action_tm1, in.return_t, in.discount_t, in.weight);
  }
  void operator()(const DqnLossOutputs& out) const { all(out.loss, out.mean_q, out.td_error); }
  void operator()(const ReplayRing& ring) const {
    const std::size_t bytes = ring.row_bytes() * ring.slot_count;
    all(std::span(ring.state, 1), std::span(ring.slots, ring.slot_count), std::span(ring.nodes, 2U * ring.leaves),
        std::span(ring.rows, bytes), std::span(ring.resident, ring.resident == nullptr ? 0 : bytes),
        std::span(ring.home, ring.home == nullptr ? 0 : bytes));
  }
  void operator()(const ReplayBatch& batch) const {
    all(batch.observation_tm1, batch.observation_t, batch.action_tm1, batch.return_t, batch.discount_t);
  }
  void operator()(NoiseState* const& s) const { span(std::span(s, 1)); }
  void operator()(AdamState* const& s) const { span(std::span(s, 1)); }
  template <class T>
  void operator()(const T&) const {}
  template <class... T>
  void all(const T&... each) const {
    ((*this)(each), ...);
  }
};

// An operation that is queued with copies of its arguments; one without a stream is only asked.
template <const char* const& kName, auto kFunction, class Type = decltype(kFunction)>
struct Queued;
template <const char* const& kName, auto kFunction, class... Arguments>
struct Queued<kName, kFunction, void (*)(const Stream&, Arguments...)> {
  static void call(const Stream& stream, Arguments... arguments) {
    const Lock lock(state->mutex);
    fail(stream.device != Device::kCuda, text(kName, " is called for the CPU"));
    Pointers{kName}.all(arguments...);
    push(stream.handle, [stream, kept = std::tuple<std::decay_t<Arguments>...>(arguments...)] {
      ++state->counts.operations;
      std::apply([&](const auto&... each) { kFunction(stream, each...); }, kept);
    });
  }
};
template <const char* const& kName, auto kFunction, class Result, class... Arguments>
struct Queued<kName, kFunction, Result (*)(Arguments...)> {
  static Result call(Arguments... arguments) { return kFunction(arguments...); }
};

#define SINV_OP_NAME(name) constexpr const char* kNameOf_##name = #name;
SINV_DEVICE_OPS(SINV_OP_NAME)
SINV_WORLD_OPS(SINV_OP_NAME)
SINV_REPLAY_OPS(SINV_OP_NAME)
#undef SINV_OP_NAME

void* memory_take(std::size_t bytes) {
  const Lock lock(state->mutex);
  count_take();
  const std::size_t whole = (bytes / kPage + 2) * kPage;  // a closed page between pieces would need one call each
  if (state->held + bytes > state->memory || state->used + whole > kRoom) {
    --state->counts.taken;
    throw UserError(text("device cuda:0: ", bytes >> 20U,
                         " MiB more of GPU memory is not to be had; take a smaller batch or replay, or run with "
                         "--device cpu"));
  }
  std::byte* piece = state->room + state->used;
  state->used += whole;
  state->held += bytes;
  state->pieces[piece] = bytes;
  const Open open;
  ::mprotect(piece, whole, PROT_READ | PROT_WRITE);
  std::memset(piece, 0, bytes);
  if (state->open == 1) return piece;
  return piece;
}

std::size_t memory_left() {
  const Lock lock(state->mutex);
  return state->memory - state->held;
}

void memory_free(void* memory) {
  const Lock lock(state->mutex);
  state->held -= state->pieces.at(memory);
  state->pieces.erase(memory);
  --state->counts.taken;
}

void* pinned_take(std::size_t bytes) {
  const Lock lock(state->mutex);
  count_take();
  if (bytes > state->pinned_piece) {
    --state->counts.taken;
    throw UserError(text("device cuda:0: ", bytes >> 20U,
                         " MiB more of pinned host memory are not to be had; take a smaller batch or replay, or run "
                         "with --device cpu"));
  }
  void* memory = ::calloc(1, std::max<std::size_t>(bytes, 1));
  state->pinned[memory] = bytes;
  return memory;
}

void pinned_free(void* memory) {
  const Lock lock(state->mutex);
  state->pinned.erase(memory);
  --state->counts.taken;
  ::free(memory);
}

void* stream_create() {
  const Lock lock(state->mutex);
  count_take();
  return new FakeStream;
}

void stream_destroy(void* handle) {
  const Lock lock(state->mutex);
  auto* stream = static_cast<FakeStream*>(handle);
  if (state->lose_at >= 0) run_until(*stream, stream->queued);  // a lost device does nothing more
  delete stream;
  --state->counts.taken;
}

void stream_wait_host(void* handle) {
  const Lock lock(state->mutex);
  auto& stream = *static_cast<FakeStream*>(handle);
  check_lost();
  fail(stream.captured != nullptr, "the host waits for a stream whose graph is being captured");
  ++state->counts.waits;
  run_until(stream, stream.queued);
  if (state->unsafe_copy == handle) state->unsafe_copy = nullptr;
}

void copy(void* handle, void* to, const void* from, std::size_t bytes) {
  const Lock lock(state->mutex);
  if (bytes == 0) return;
  push(handle, [=] {
    ++state->counts.copies;
    std::memcpy(to, from, bytes);
  });
  const bool safe = is_ours(to, bytes) && is_ours(from, bytes);
  fail(!safe && static_cast<FakeStream*>(handle)->captured, "a graph copies from or to memory that is not pinned");
  if (!safe) state->unsafe_copy = handle;
}

void clear(void* handle, void* memory, std::size_t bytes) {
  fail(!is_ours(memory, bytes), "clear gets memory that is neither of the device nor pinned");
  push(handle, [=] { std::memset(memory, 0, bytes); });
}

void* event_create() {
  const Lock lock(state->mutex);
  count_take();
  return new FakeEvent;
}

void event_destroy(void* event) {
  const Lock lock(state->mutex);
  delete static_cast<FakeEvent*>(event);
  --state->counts.taken;
}

void event_record(void* event, void* handle) {
  const Lock lock(state->mutex);
  auto& stream = *static_cast<FakeStream*>(handle);
  fail(stream.captured != nullptr, "an event is recorded inside a graph");
  *static_cast<FakeEvent*>(event) = {&stream, stream.queued};
}

void event_wait_stream(void* event, void* handle) {
  const Lock lock(state->mutex);
  const FakeEvent now = *static_cast<FakeEvent*>(event);
  fail(static_cast<FakeStream*>(handle)->captured != nullptr, "a graph waits for an event");
  if (now.stream != nullptr) push(handle, [now] { run_until(*now.stream, now.at); });
}

void event_wait_host(void* event) {
  const Lock lock(state->mutex);
  check_lost();
  const FakeEvent now = *static_cast<FakeEvent*>(event);
  fail(now.stream != nullptr && now.stream->captured, "the host waits for a stream whose graph is being captured");
  ++state->counts.waits;
  if (now.stream != nullptr) run_until(*now.stream, now.at);
}

double event_ms(void*, void*) { return 0.0; }

void capture_begin(void* handle) {
  const Lock lock(state->mutex);
  auto& stream = *static_cast<FakeStream*>(handle);
  fail(stream.captured != nullptr, "a capture begins inside another");
  stream.captured = std::make_unique<FakeGraph>();
  ++capturing;
}

void* capture_end(void* handle) {
  const Lock lock(state->mutex);
  auto& stream = *static_cast<FakeStream*>(handle);
  fail(stream.captured == nullptr, "a capture ends that never began");
  --capturing;
  ++state->counts.captures;
  count_take();
  return stream.captured.release();
}

void capture_drop(void* handle) {
  const Lock lock(state->mutex);
  static_cast<FakeStream*>(handle)->captured.reset();
  --capturing;
}

void graph_launch(void* graph, void* handle) {
  const Lock lock(state->mutex);
  ++state->counts.graph_launches;
  push(handle, [works = static_cast<FakeGraph*>(graph)] {
    for (const Work& work : *works) work();
  });
}

void graph_destroy(void* graph) {
  const Lock lock(state->mutex);
  delete static_cast<FakeGraph*>(graph);
  --state->counts.taken;
}

DeviceModule make_module() {
  DeviceModule module;
  module.abi = device_abi();
#define SINV_OP_QUEUED(name) module.ops.name = &Queued<kNameOf_##name, &Cpu::name>::call;
  SINV_DEVICE_OPS(SINV_OP_QUEUED)
  SINV_WORLD_OPS(SINV_OP_QUEUED)
  SINV_REPLAY_OPS(SINV_OP_QUEUED)
#undef SINV_OP_QUEUED
  module.services = {.versions =
                         [] {
                           return DeviceVersions{13000, 13000, 130100, 91900};
                         },
                     .count = [] { return 1; },
                     .facts =
                         [](int) {
                           return DeviceFacts{"fake device", 9, 0, 1, kRoom};
                         },
                     .select = [](int, Precision) {},
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
                     .range_push = [](const char*) {},
                     .range_pop = [] {}};
  return module;
}

const DeviceModule& fake_module() {
  static const DeviceModule module = make_module();
  return module;
}

}  // namespace

const DeviceOps& FakeDevice::table() { return fake_module().ops; }

FakeDevice::FakeDevice(Order order) {
  SINV_CHECK(state == nullptr, "fake device: there is one already");
  state = new State;
  state->order = order;
  state->room =
      static_cast<std::byte*>(::mmap(nullptr, kRoom, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  before_ = use_device_module(&fake_module());
}

FakeDevice::~FakeDevice() {
  use_device_module(before_);
  ::munmap(state->room, kRoom);
  delete state;
  state = nullptr;
}

FakeDevice::Counts FakeDevice::counts() const {
  const Lock lock(state->mutex);
  return state->counts;
}

void FakeDevice::lose_at(int operation) { state->lose_at = operation; }

void FakeDevice::set_memory(std::size_t bytes) { state->memory = bytes; }

void FakeDevice::set_pinned(std::size_t bytes) { state->pinned_piece = bytes; }

}  // namespace sinv
