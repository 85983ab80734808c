#include "tests/bridge/fake_plugin.h"

#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

#include "base/deflate.h"
#include "base/random.h"
#include "bridge/mame/frame_reader.h"
#include "tests/bridge/simulated_machine.h"

namespace sinv::mame {
namespace {

using Bytes = std::vector<std::byte>;

void send_all(int socket, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void wait_for_ever() {
  while (true) ::pause();
}

class FakePlugin {
 public:
  FakePlugin(const FakeSettings& settings, int socket) : settings_(settings), socket_(socket) {
    if (!settings.doorbell.empty()) doorbell_ = ::open(settings.doorbell.c_str(), O_RDONLY | O_CLOEXEC);
  }
  ~FakePlugin() {
    ::close(socket_);
    if (doorbell_ >= 0) ::close(doorbell_);
  }

  int serve() {
    if (!greet()) return 2;
    Frame frame;
    while (next(frame)) {
      if (!answer(frame)) return 0;
    }
    if (settings_.how == "stubborn") wait_for_ever();
    return 1;
  }

 private:
  bool how(const char* word) const { return settings_.how == word; }

  template <class Message>
  Bytes bytes_of(const Message& message, std::uint16_t sequence) {
    Bytes out;
    encode(message, sequence, out);
    return out;
  }
  template <class Message>
  void say(const Message& message, std::uint16_t sequence) {
    Bytes out = bytes_of(message, sequence);
    if (may_pack_ && out.size() >= kHeaderBytes + kPackFromBytes) {
      replace_body_by_packed(out, deflater_.pack(Bytes(out.begin() + kHeaderBytes, out.end())));
    }
    send_all(socket_, out);
  }

  bool greet() {
    Hello hello = fake_hello(settings_);
    if (how("silent")) return hold();
    if (how("noise")) {
      Random random(7, 0);
      Bytes noise(std::size_t{1} << 20);
      for (std::byte& b : noise) b = static_cast<std::byte>(random.bits());
      send_all(socket_, noise);
      return hold();
    }
    if (how("version")) hello.version = 2;
    if (how("set")) hello.set = "pacman";
    if (how("ram")) hello.work_ram_bytes = 512;
    if (how("buttons")) hello.buttons.pop_back();
    Bytes first = how("not_hello") ? bytes_of(Empty<Kind::kPing>{}, 0) : bytes_of(hello, 0);
    if (how("half")) first.resize(first.size() / 2);
    if (how("length")) first[3] = std::byte{0x7F};
    if (how("flags")) first[5] = std::byte{0x40};
    if (how("early")) {
      const Bytes more = bytes_of(Empty<Kind::kAlive>{}, 0);
      const std::size_t at = first.size();
      first.resize(at + more.size());
      std::copy(more.begin(), more.end(), first.begin() + static_cast<std::ptrdiff_t>(at));
    }
    send_all(socket_, first);
    Frame frame;
    if (!next(frame)) return false;
    Refused refused;
    if (frame.kind == Kind::kRefused && decode(frame.body, refused) == nullptr) {
      static_cast<void>(std::fprintf(stderr, "fake mame: refused: %s\n", refused.why.c_str()));
    }
    Welcome welcome;
    if (frame.kind != Kind::kWelcome || decode(frame.body, welcome) != nullptr) return false;
    may_pack_ = (welcome.options & kMayPackOption) != 0;
    return true;
  }

  /// Until the other side has had enough.
  bool hold() {
    read_to_end(socket_);
    return false;
  }

  bool next(Frame& frame) {
    bool asked = false;
    while (true) {
      if (!asked && welcome_done_ && how("sleeps")) {
        asked = true;
        say(Empty<Kind::kSleeping>{}, 0);
        char bell = 0;
        if (::read(doorbell_, &bell, 1) != 1) return false;
        // One byte for one SLEEPING: a second one would be there by now.
        const int flags = ::fcntl(doorbell_, F_GETFL);
        ::fcntl(doorbell_, F_SETFL, flags | O_NONBLOCK);
        if (::read(doorbell_, &bell, 1) > 0) std::abort();
        ::fcntl(doorbell_, F_SETFL, flags);
      }
      switch (reader_.next(frame)) {
        case FrameReader::Status::kFrame:
          return true;
        case FrameReader::Status::kBroken:
          static_cast<void>(std::fprintf(stderr, "fake mame: %s\n", reader_.why().c_str()));
          return false;
        case FrameReader::Status::kMore:
          break;
      }
      const auto room = reader_.room();
      if (!asked && welcome_done_ && how("alive")) {
        asked = true;
        for (int i = 0; i < 3; ++i) say(Empty<Kind::kAlive>{}, 0);
      }
      welcome_done_ = true;
      const ssize_t count = ::recv(socket_, room.data(), room.size(), 0);
      if (count <= 0) return false;
      reader_.received(static_cast<std::size_t>(count));
    }
  }

  template <class Request>
  Request read(const Frame& frame) {
    Request request;
    const char* why = decode(frame.body, request);
    SINV_CHECK(why == nullptr, kind_name(frame.kind), ": ", why);
    return request;
  }

  bool answer(const Frame& frame) {
    const std::uint16_t sequence = frame.sequence;
    switch (frame.kind) {
      case Kind::kStep:
        return step(read<Step>(frame), sequence);
      case Kind::kRule: {
        auto rule = read<Rule>(frame);
        SINV_CHECK(!known_[rule.id], "rule ", int{rule.id}, " came twice");
        rules_[rule.id] = rule;
        known_[rule.id] = true;
        say(Empty<answer_to(Kind::kRule)>{}, sequence);
        return true;
      }
      case Kind::kRead: {
        Bytes bytes;
        for (const MemoryRange& range : read<Read>(frame).ranges) {
          for (unsigned i = 0; i < range.bytes; ++i) {
            bytes.push_back(static_cast<std::byte>(machine_.at(static_cast<std::uint16_t>(range.address + i))));
          }
        }
        say(ReadReply{bytes}, sequence);
        return true;
      }
      case Kind::kWrite: {
        const auto request = read<Write>(frame);
        for (std::size_t i = 0; i < request.bytes.size(); ++i) {
          machine_.at(static_cast<std::uint16_t>(request.address + i)) =
              std::to_integer<std::uint8_t>(request.bytes[i]);
        }
        say(Empty<answer_to(Kind::kWrite)>{}, sequence);
        return true;
      }
      case Kind::kPowerOn:
        machine_.power_on();
        say(PowerOnReply{0, std::as_bytes(std::span(machine_.ram()))}, sequence);
        return true;
      case Kind::kSoftReset:
        say(Empty<answer_to(Kind::kSoftReset)>{}, sequence);
        return true;
      case Kind::kStateSave: {
        Bytes state(machine_.frame() == 0 ? 0 : machine_.state_bytes());
        if (!state.empty()) machine_.save(state);
        say(StateSaveReply{static_cast<std::uint32_t>(machine_.frame()), state}, sequence);
        return true;
      }
      case Kind::kStateLoad:
        machine_.restore(read<StateLoad>(frame).state);
        say(Empty<answer_to(Kind::kStateLoad)>{}, sequence);
        return true;
      case Kind::kText:
        for (const ScreenText& line : read<Text>(frame).lines)
          std::printf("text %d %d %08x %s\n", line.x, line.y, line.colour, line.words.c_str());
        static_cast<void>(std::fflush(stdout));
        say(Empty<answer_to(Kind::kText)>{}, sequence);
        return true;
      case Kind::kThrottle: {
        const auto wish = read<Throttle>(frame);
        std::printf("throttle %d %u\n", wish.on, wish.thousandths);
        static_cast<void>(std::fflush(stdout));
        say(Empty<answer_to(Kind::kThrottle)>{}, sequence);
        return true;
      }
      case Kind::kConsole:
        return console(read<Console>(frame).lines, sequence);
      case Kind::kDebug:
        std::printf("debug %d\n", read<Debug>(frame).on);
        static_cast<void>(std::fflush(stdout));
        say(Empty<answer_to(Kind::kDebug)>{}, sequence);
        return true;
      case Kind::kStatistics:
        say(StatisticsReply{.requests = 1, .frames = machine_.frame()}, sequence);
        return true;
      case Kind::kPing:
        say(Empty<answer_to(Kind::kPing)>{}, sequence);
        return true;
      case Kind::kQuit:
        say(Empty<answer_to(Kind::kQuit)>{}, sequence);
        return false;
      default:
        return false;
    }
  }

  bool console(const std::string& lines, std::uint16_t sequence) {
    if (lines == "frame") {
      say(ConsoleReply{std::to_string(machine_.frame())}, sequence);
    } else if (lines == "run 3") {
      const std::array<std::uint8_t, 3> none{};
      machine_.run(none);
      say(ConsoleReply{"ACK"}, sequence);
    } else {
      say(ConsoleReply{"ERR unknown command " + lines}, sequence);
    }
    return true;
  }

  struct Collector final : FrameSink {
    void frame(const Ram& ram) override {
      const auto bytes = std::as_bytes(std::span(ram));
      work.insert(work.end(), bytes.begin(), bytes.begin() + kWorkRamBytes);
    }
    Bytes work;
  };

  bool step(const Step& request, std::uint16_t sequence) {
    const bool now = ++steps_ == settings_.after;
    if (now && how("hangs")) return hold();
    if (now && how("paused")) {
      for (int i = 0; i < 4; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(400));
        say(Empty<Kind::kAlive>{}, 0);
      }
    }
    if (now && how("dies")) {
      static_cast<void>(std::fprintf(stderr, "fake mame: out of coins\n"));
      ::raise(SIGKILL);
    }
    if (now && how("closes")) return false;
    if (now && how("garbage")) {
      send_all(socket_, Bytes(1 << 20, std::byte{0xA5}));
      return hold();
    }
    if (now && how("fails")) {
      say(Failed{static_cast<std::uint8_t>(Kind::kStep), "rule 7 is not known"}, sequence);
      return true;
    }
    const auto rule = [&](std::uint8_t id) {
      SINV_CHECK(id == 0 || known_[id], "rule ", int{id}, " was never sent");
      return RamRule{id, rules_[id].tests};
    };
    const RamRule press = rule(request.press_rule);
    const RamRule stop = rule(request.stop_rule);
    Collector collector;
    const Stretch stretch{.frames = request.frames,
                          .buttons = std::span(request.buttons).first(request.buttons_count),
                          .press = press.id != 0 ? &press : nullptr,
                          .stop = stop.id != 0 ? &stop : nullptr};
    const std::uint32_t frames = machine_.run_stretch(stretch, collector);
    StepReply reply{.frame = static_cast<std::uint32_t>(machine_.frame()),
                    .frames = static_cast<std::uint16_t>(frames),
                    .stopped = stop.id != 0 && stop.holds(machine_.ram()) ? std::uint8_t{1} : std::uint8_t{0},
                    .pictures = static_cast<std::uint8_t>(std::min<std::uint32_t>(request.pictures, frames)),
                    .work_ram = collector.work};
    Bytes pictures;
    for (const Ram* ram : {&machine_.ram_before(), &machine_.ram()}) {
      if (reply.pictures == 0 || (reply.pictures == 1 && ram != &machine_.ram())) continue;
      const auto bytes = std::as_bytes(std::span(*ram)).subspan(kWorkRamBytes);
      pictures.insert(pictures.end(), bytes.begin(), bytes.end());
    }
    reply.picture_ram = pictures;
    if (now && how("sequence")) ++reply_sequence_offset_;
    if (now && how("counter")) ++reply.frame;
    const auto number = static_cast<std::uint16_t>(sequence + reply_sequence_offset_);
    if (now && how("half_answer")) {
      const Bytes whole = bytes_of(reply, number);
      send_all(socket_, std::span(whole).first(whole.size() / 2));
      return hold();
    }
    say(reply, number);
    return true;
  }

  const FakeSettings& settings_;
  int socket_;
  int doorbell_ = -1;
  bool may_pack_ = false;
  bool welcome_done_ = false;
  int steps_ = 0;
  unsigned reply_sequence_offset_ = 0;
  SimulatedMachine machine_;
  std::array<Rule, 256> rules_{};
  std::array<bool, 256> known_{};
  FrameReader reader_;
  Deflater deflater_;
};

}  // namespace

Hello fake_hello(const FakeSettings& settings) {
  Hello hello;
  hello.instance = settings.instance;
  hello.token = settings.token;
  hello.plugin_version = "fake";
  hello.mame_version = "0.0";
  hello.set = "invaders";
  hello.rom_crc = settings.rom_crc;
  hello.state_bytes = static_cast<std::uint32_t>(SimulatedMachine().state_bytes());
  hello.buttons.assign(kButtonNames.begin(), kButtonNames.end());
  return hello;
}

int connect_to(const std::string& address) {
  int fd = -1;
  int status = -1;
  if (address.rfind("domain.", 0) == 0) {
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    std::strncpy(where.sun_path, address.c_str() + 7, sizeof where.sun_path - 1);
    fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    status = ::connect(fd, reinterpret_cast<sockaddr*>(&where), sizeof where);
  } else {
    const std::size_t colon = address.rfind(':');
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
    ::inet_pton(AF_INET, address.substr(7, colon - 7).c_str(), &where.sin_addr);
    fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    status = ::connect(fd, reinterpret_cast<sockaddr*>(&where), sizeof where);
  }
  if (status == 0) return fd;
  ::close(fd);
  return -1;
}

std::string read_to_end(int socket) {
  std::string all;
  std::array<char, 4096> some{};
  while (true) {
    const ssize_t count = ::recv(socket, some.data(), some.size(), 0);
    if (count <= 0) return all;
    all.append(some.data(), static_cast<std::size_t>(count));
  }
}

int run_fake_plugin(const FakeSettings& settings) {
  const int socket = connect_to(settings.address);
  if (socket < 0) return 4;
  return FakePlugin(settings, socket).serve();
}

}  // namespace sinv::mame
