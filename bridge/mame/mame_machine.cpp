#include "bridge/mame/mame_machine.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>
#include <sched.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "base/error.h"
#include "bridge/mame/connection.h"

namespace sinv::mame {
namespace {

constexpr int kTries = 3;
constexpr std::chrono::milliseconds kExitPatience{200};   // a closed socket is seen before the end of its process
constexpr std::chrono::milliseconds kKillPatience{2000};  // SIGKILL, and the kernel's cleaning up
constexpr std::chrono::milliseconds kQuitPatience{500};
constexpr double kFrameMs = kFrameUs / 1000;

/// What save() writes in front of RAM, RAM before and MAME's own state.
struct StateHeader {
  std::array<char, 8> magic;
  std::uint64_t frame;
  std::uint32_t rom_crc;
  std::uint32_t state_bytes;
};
constexpr std::array<char, 8> kMagic{'S', 'I', 'N', 'V', 'M', 'A', 'M', '1'};

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

void copy_work_ram(Ram& ram, std::span<const std::byte> from) { std::memcpy(ram.data(), from.data(), kWorkRamBytes); }
void copy_picture(Ram& ram, std::span<const std::byte> from) {
  std::memcpy(ram.data() + kWorkRamBytes, from.data(), kPictureBytes);
}

// The calling thread goes to this processor, where its MAME is: one of the two always waits for the other, and a
// wake-up on the same processor is a switch of some 2 us, while another processor must be woken from its sleep (tens of
// us on a virtual machine) or be kept from sleeping, which slows MAME when both are threads of one core. The first
// thread of the process stays free: it is a learner, or in no hurry.
void stay_on(int processor) {
  thread_local int here = -1;
  if (processor == here || processor < 0 || ::gettid() == ::getpid()) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(processor, &one);
  if (::sched_setaffinity(0, sizeof one, &one) == 0) here = processor;
}

}  // namespace

struct MameMachine::Body {
  Body(std::shared_ptr<MameFarm> of, int number) : farm(std::move(of)), instance(number) {}

  // Getting and losing a MAME.
  void take(MameFarm::Seat seat);
  void switch_on();
  std::string give_up_process();
  [[noreturn]] void lose(const std::string& why);

  // One request and its answer.
  template <class Reply, class Request>
  Reply ask(const Request& request, std::chrono::milliseconds longer = {});
  template <class Reply, class Request>
  Reply ask_new(const Request& request);
  template <class Request>
  void tell(const Request& request) {
    ask<Empty<answer_to(Request::kKind)>>(request);
  }

  void know(const RamRule* rule);
  template <class PerFrame>
  std::uint32_t step(const Step& request, PerFrame&& per_frame);
  void begin_at_power_on(const PowerOnReply& reply);
  void load_all_ram();

  std::shared_ptr<MameFarm> farm;
  int instance;
  std::shared_ptr<Process> process;
  int processor = -1;  // -1: any
  std::unique_ptr<Connection> connection;
  Hello hello;
  Ram ram{};
  Ram before{};
  std::uint32_t frame = 0;
  bool pictures = true;
  std::array<bool, 256> rules_known{};
  std::optional<Throttle> throttle_wish;
  bool debug_wish = false;
  double speed = 0;  // 0: as fast as it goes
  std::uint64_t losses = 0;
  Latency latency_before;  // of the MAMEs that were lost
};

template <class Reply, class Request>
Reply MameMachine::Body::ask(const Request& request, std::chrono::milliseconds longer) {
  if (connection == nullptr) throw UserError(text("MAME ", instance, ": is gone, and could not be replaced"));
  stay_on(processor);
  Frame answer;
  Reply reply;
  switch (connection->ask(request, answer, longer)) {
    case Connection::Outcome::kFailed:
      throw Error(text("MAME ", instance, ": ", kind_name(Request::kKind), ": ", connection->why()));
    case Connection::Outcome::kLost:
      lose(connection->why());
    case Connection::Outcome::kAnswered:
      break;
  }
  if (const char* why = decode(answer.body, reply)) lose(text(kind_name(Reply::kKind), ": ", why));
  return reply;
}

/// Of a MAME that has not shown that it works: any failure is a UserError and no replacement.
template <class Reply, class Request>
Reply MameMachine::Body::ask_new(const Request& request) {
  Frame answer;
  Reply reply;
  std::string why;
  if (connection->ask(request, answer) != Connection::Outcome::kAnswered) {
    why = connection->why();
  } else if (const char* wrong = decode(answer.body, reply)) {
    why = wrong;
  }
  if (!why.empty()) {
    throw UserError(text("MAME ", instance, ": ", kind_name(Request::kKind), ": ", why, give_up_process()));
  }
  return reply;
}

void MameMachine::Body::take(MameFarm::Seat seat) {
  Arrival arrival = seat.arrival.get();
  process = std::move(seat.process);
  processor = seat.processor;
  if (!arrival.why.empty()) {
    if (seat.doorbell >= 0) ::close(seat.doorbell);
    give_up_process();
    throw UserError(arrival.why);
  }
  const MameSettings& settings = farm->settings();
  connection = std::make_unique<Connection>(
      arrival.socket, seat.doorbell,
      Connection::Settings{.spin = std::chrono::microseconds(seat.processor < 0 ? settings.spin_us : 0),
                           .patience = milliseconds(settings.hang_timeout_s),
                           .compress = settings.compress});
  connection->latency() = latency_before;
  if (hello.state_bytes != 0 &&
      (hello.state_bytes != arrival.hello.state_bytes || hello.rom_crc != arrival.hello.rom_crc)) {
    const std::string gone = give_up_process();
    throw UserError(text("MAME ", instance, ": the new one has another ROM or another size of state", gone));
  }
  hello = std::move(arrival.hello);
  spdlog::info("MAME {}: version {}, plugin {}, game {}, ROM {:08x}", instance, hello.mame_version,
               hello.plugin_version, hello.set, hello.rom_crc);
  switch_on();
}

void MameMachine::Body::switch_on() {
  rules_known.fill(false);
  if (throttle_wish) ask_new<Empty<answer_to(Kind::kThrottle)>>(*throttle_wish);
  if (debug_wish) ask_new<Empty<answer_to(Kind::kDebug)>>(Debug{1});
  begin_at_power_on(ask_new<PowerOnReply>(Empty<Kind::kPowerOn>{}));
}

void MameMachine::Body::begin_at_power_on(const PowerOnReply& reply) {
  std::memcpy(ram.data(), reply.ram.data(), ram.size());
  before = ram;
  frame = 0;
}

/// Closes the connection and ends the process; what there is to say about it.
std::string MameMachine::Body::give_up_process() {
  if (connection != nullptr) latency_before = connection->latency();
  connection.reset();
  if (process == nullptr) return "";
  const std::shared_ptr<Process> old = std::move(process);
  process = nullptr;
  if (old->wait(kExitPatience)) return "; " + old->obituary();
  old->kill();
  old->wait(kKillPatience);
  const std::string lines = old->last_lines();
  return text("; it was stopped", lines.empty() ? "" : "; it wrote last:\n" + lines);
}

void MameMachine::Body::lose(const std::string& why) {
  const std::string reason = text("MAME ", instance, ", frame ", frame, ": ", why);  // `why` goes with the connection
  const std::string told = reason + give_up_process();
  ++losses;
  spdlog::warn("{}; it is replaced", told);
  std::string last;
  for (int i = 0; i < kTries; ++i) {
    try {
      take(farm->begin(instance));
      throw MachineLost(told + "; another one stands in its place, as after power-on");
    } catch (const UserError& error) {
      last = error.what();
      spdlog::warn("{}", last);
    }
  }
  throw UserError(text(told, "; no other could be started in ", kTries, " tries: ", last));
}

void MameMachine::Body::know(const RamRule* rule) {
  if (rule == nullptr || rules_known[rule->id]) return;
  tell(Rule{.id = rule->id, .tests = {rule->tests.begin(), rule->tests.end()}});
  rules_known[rule->id] = true;
}

template <class PerFrame>
std::uint32_t MameMachine::Body::step(const Step& request, PerFrame&& per_frame) {
  const auto longer = speed > 0 ? milliseconds(request.frames * kFrameMs / 1000 / speed) : std::chrono::milliseconds{};
  const auto reply = ask<StepReply>(request, longer);
  if (reply.frame != frame + reply.frames || reply.frames > request.frames ||
      (reply.frames < request.frames && reply.stopped == 0) || (reply.stopped != 0 && request.stop_rule == 0) ||
      reply.pictures != std::min<std::uint32_t>(request.pictures, reply.frames)) {
    lose(text("it was asked for ", request.frames, " frames from ", frame, " with ", int{request.pictures},
              " pictures, and answered with ", reply.frames, " to ", reply.frame, " with ", int{reply.pictures},
              reply.stopped != 0 ? ", stopped" : ""));
  }
  frame = reply.frame;
  for (std::uint32_t i = 0; i < reply.frames; ++i) {
    if (i + 1 == reply.frames) {
      if (reply.pictures == 2) copy_picture(ram, reply.picture_ram);
      before = ram;
      if (reply.pictures > 0) copy_picture(ram, reply.picture_ram.last(kPictureBytes));
    }
    copy_work_ram(ram, reply.work_ram.subspan(i * kWorkRamBytes));
    per_frame(ram);
  }
  return reply.frames;
}

void MameMachine::Body::load_all_ram() {
  const auto reply = ask<ReadReply>(Read{{{kRamAddress, kRamBytes}}});
  if (reply.bytes.size() != kRamBytes) lose(text("READ of ", kRamBytes, " bytes gave ", reply.bytes.size()));
  std::memcpy(ram.data(), reply.bytes.data(), kRamBytes);
}

MameMachine::MameMachine(std::shared_ptr<MameFarm> farm, MameFarm::Seat seat)
    : body_(std::make_unique<Body>(std::move(farm), seat.instance)) {
  body_->pictures = body_->farm->settings().pictures;
  body_->speed = body_->farm->settings().speed;
  body_->take(std::move(seat));
}

MameMachine::~MameMachine() {
  body_->farm->remember(latency());
  if (body_->connection != nullptr) {
    try {
      // A patience of its own: whoever has hung so far may go on hanging without us.
      Frame answer;
      const auto hang = milliseconds(body_->farm->settings().hang_timeout_s);
      static_cast<void>(body_->connection->ask(Empty<Kind::kQuit>{}, answer, kQuitPatience - hang));
    } catch (const std::exception& error) {
      spdlog::warn("MAME {}: {}", body_->instance, error.what());
    }
    body_->connection.reset();
  }
  if (body_->process != nullptr) body_->process->stop(kQuitPatience);
}

void MameMachine::power_on() { body_->begin_at_power_on(body_->ask<PowerOnReply>(Empty<Kind::kPowerOn>{})); }

void MameMachine::run(std::span<const std::uint8_t> buttons) {
  while (!buttons.empty()) {
    const std::size_t count = std::min<std::size_t>(buttons.size(), kStretchFrames);
    Step request{.frames = static_cast<std::uint16_t>(count), .buttons_count = static_cast<std::uint8_t>(count)};
    if (body_->pictures) request.pictures = count > 1 ? 2 : 1;
    for (std::size_t i = 0; i < count; ++i) request.buttons[i] = {.held = buttons[i], .ready = 0};
    body_->step(request, [](const Ram&) {});
    buttons = buttons.subspan(count);
  }
}

std::uint32_t MameMachine::run_stretch(const Stretch& stretch, FrameSink& sink) {
  SINV_CHECK(stretch.frames >= 1 && stretch.frames <= kStretchFrames, "MameMachine::run_stretch: a stretch of ",
             stretch.frames, " frames, wanted 1 to ", kStretchFrames);
  SINV_CHECK(!stretch.buttons.empty(), "MameMachine::run_stretch: a stretch without buttons");
  body_->know(stretch.press);
  body_->know(stretch.stop);
  const std::size_t count = std::min<std::size_t>(stretch.buttons.size(), stretch.frames);
  Step request{.frames = static_cast<std::uint16_t>(stretch.frames), .buttons_count = static_cast<std::uint8_t>(count)};
  if (body_->pictures) request.pictures = stretch.frames > 1 ? 2 : 1;
  if (stretch.press != nullptr) request.press_rule = stretch.press->id;
  if (stretch.stop != nullptr) request.stop_rule = stretch.stop->id;
  std::copy_n(stretch.buttons.begin(), count, request.buttons.begin());
  return body_->step(request, [&sink](const Ram& ram) { sink.frame(ram); });
}

const Ram& MameMachine::ram() const { return body_->ram; }
const Ram& MameMachine::ram_before() const { return body_->before; }
std::uint64_t MameMachine::frame() const { return body_->frame; }

std::size_t MameMachine::state_bytes() const { return sizeof(StateHeader) + 2 * kRamBytes + body_->hello.state_bytes; }

void MameMachine::save(std::span<std::byte> state) const {
  Body& body = *body_;
  SINV_CHECK(state.size() == state_bytes(), "MameMachine::save: room of ", state.size(), " bytes, wanted ",
             state_bytes());
  const auto reply = body.ask<StateSaveReply>(Empty<Kind::kStateSave>{});
  const std::size_t wanted = body.frame == 0 ? 0 : body.hello.state_bytes;
  if (reply.frame != body.frame || reply.state.size() != wanted) {
    body.lose(text("it saved a state of ", reply.state.size(), " bytes at frame ", reply.frame, ", wanted ", wanted));
  }
  std::fill(state.begin(), state.end(), std::byte{0});
  const StateHeader header{kMagic, body.frame, body.hello.rom_crc, body.hello.state_bytes};
  std::memcpy(state.data(), &header, sizeof header);
  std::byte* at = state.data() + sizeof header;
  std::memcpy(at, body.ram.data(), kRamBytes);
  std::memcpy(at + kRamBytes, body.before.data(), kRamBytes);
  std::copy(reply.state.begin(), reply.state.end(), at + 2 * kRamBytes);
}

void MameMachine::restore(std::span<const std::byte> state) {
  Body& body = *body_;
  SINV_CHECK(state.size() == state_bytes(), "MameMachine::restore: a state of ", state.size(), " bytes, wanted ",
             state_bytes(), " (another machine's, or another version of MAME's)");
  StateHeader header;
  std::memcpy(&header, state.data(), sizeof header);
  SINV_CHECK(header.magic == kMagic, "MameMachine::restore: not a state of a MAME machine");
  SINV_CHECK(header.rom_crc == body.hello.rom_crc, "MameMachine::restore: the state belongs to ROM ", header.rom_crc,
             ", this machine runs ", body.hello.rom_crc);
  if (header.frame == 0) {
    power_on();
  } else {
    const auto frame = static_cast<std::uint32_t>(header.frame);
    body.tell(StateLoad{.frame = frame, .state = state.subspan(sizeof header + 2 * kRamBytes)});
    body.frame = frame;
  }
  std::memcpy(body.ram.data(), state.data() + sizeof header, kRamBytes);
  std::memcpy(body.before.data(), state.data() + sizeof header + kRamBytes, kRamBytes);
}

std::string MameMachine::console(const std::string& lines) {
  Body& body = *body_;
  std::string answer = body.ask<ConsoleReply>(Console{lines}).lines;
  // The lines may have run frames and written memory.
  const std::string digits = body.ask<ConsoleReply>(Console{"frame"}).lines;
  std::uint32_t frame = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), frame);
  if (error != std::errc() || end == digits.data())
    body.lose(text("its frame counter reads \"", digits.substr(0, 40), "\""));
  if (frame != body.frame) body.before = body.ram;
  body.frame = frame;
  body.load_all_ram();
  return answer;
}

void MameMachine::draw_text(const std::vector<ScreenText>& lines) { body_->tell(Text{lines}); }

void MameMachine::throttle(bool on, double rate) {
  SINV_CHECK(rate >= 0.01 && rate <= 100, "MameMachine::throttle: rate ", rate, ", wanted 0.01 to 100");
  const Throttle wish{.on = on ? std::uint8_t{1} : std::uint8_t{0},
                      .thousandths = static_cast<std::uint32_t>(std::lround(rate * 1000))};
  body_->tell(wish);
  body_->throttle_wish = wish;
  body_->speed = on ? rate : 0;
}

void MameMachine::debug(bool on) {
  body_->tell(Debug{on ? std::uint8_t{1} : std::uint8_t{0}});
  body_->debug_wish = on;
}

StatisticsReply MameMachine::statistics() { return body_->ask<StatisticsReply>(Empty<Kind::kStatistics>{}); }

void MameMachine::read(std::uint16_t address, std::span<std::uint8_t> bytes) {
  SINV_CHECK(bytes.size() <= 0xFFFF, "MameMachine::read: ", bytes.size(), " bytes, at most 65535 at a time");
  const auto reply = body_->ask<ReadReply>(Read{{{address, static_cast<std::uint16_t>(bytes.size())}}});
  if (reply.bytes.size() != bytes.size()) {
    body_->lose(text("READ of ", bytes.size(), " bytes gave ", reply.bytes.size()));
  }
  if (!bytes.empty()) std::memcpy(bytes.data(), reply.bytes.data(), bytes.size());
}

void MameMachine::write(std::uint16_t address, std::span<const std::uint8_t> bytes) {
  body_->tell(Write{address, std::as_bytes(bytes)});
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t at = address + i;
    if (at >= kRamAddress && at < kRamAddress + kRamBytes) body_->ram[at - kRamAddress] = bytes[i];
  }
}

void MameMachine::soft_reset() { body_->tell(Empty<Kind::kSoftReset>{}); }
void MameMachine::set_pictures(bool on) { body_->pictures = on; }
int MameMachine::instance() const { return body_->instance; }
int MameMachine::pid() const { return body_->process != nullptr ? body_->process->pid() : 0; }
std::uint64_t MameMachine::losses() const { return body_->losses; }
const Hello& MameMachine::hello() const { return body_->hello; }

void MameMachine::clear_latency() {
  body_->latency_before.clear();
  if (body_->connection != nullptr) body_->connection->latency().clear();
}

Latency MameMachine::latency() const {
  return body_->connection != nullptr ? body_->connection->latency() : body_->latency_before;
}

}  // namespace sinv::mame
