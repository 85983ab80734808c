#include "bridge/mame/protocol.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/error.h"

namespace sinv::mame {
namespace {

// What a body looks like stands once, in fields(); the writer and the reader below have the same functions.

class BodyWriter {
 public:
  explicit BodyWriter(std::vector<std::byte>& out) : out_(out) {}

  template <class T>
  void number(T& value, const char*, std::uint64_t low = 0, std::uint64_t high = std::numeric_limits<T>::max()) {
    SINV_CHECK(static_cast<std::uint64_t>(value) >= low && static_cast<std::uint64_t>(value) <= high,
               "mame protocol: a field is ", +value, ", must be ", low, " to ", high);
    put(&value, sizeof value);
  }
  void coordinate(std::int16_t& value) { put(&value, sizeof value); }
  void fixed(std::span<const std::byte> bytes, const char*) { put(bytes.data(), bytes.size()); }
  void text(std::string& value) {
    SINV_CHECK(value.size() <= 0xFFFF, "mame protocol: a text of ", value.size(), " bytes, at most 65535 go in");
    const auto count = static_cast<std::uint16_t>(value.size());
    put(&count, sizeof count);
    put(value.data(), value.size());
  }
  template <class T>
  std::size_t count(const std::vector<T>& values) {
    SINV_CHECK(values.size() <= 0xFF, "mame protocol: ", values.size(), " things in one message, at most 255 go in");
    const auto n = static_cast<std::uint8_t>(values.size());
    put(&n, 1);
    return n;
  }
  void block(std::span<const std::byte>& bytes, std::size_t count, const char*) {
    SINV_CHECK(bytes.size() == count, "mame protocol: ", bytes.size(), " bytes where ", count, " are wanted");
    put(bytes.data(), bytes.size());
  }
  void rest(std::span<const std::byte>& bytes) { put(bytes.data(), bytes.size()); }
  void rest(std::string& letters) { put(letters.data(), letters.size()); }
  void require(bool holds, const char* why) { SINV_CHECK(holds, "mame protocol: ", why); }
  bool good() const { return true; }

 private:
  void put(const void* from, std::size_t count) {
    if (count == 0) return;
    const std::size_t at = out_.size();
    out_.resize(at + count);
    std::memcpy(out_.data() + at, from, count);
  }
  std::vector<std::byte>& out_;
};

class BodyReader {
 public:
  explicit BodyReader(std::span<const std::byte> body) : left_(body) {}

  template <class T>
  void number(T& value, const char* why, std::uint64_t low = 0, std::uint64_t high = std::numeric_limits<T>::max()) {
    if (!get(&value, sizeof value)) return;
    require(static_cast<std::uint64_t>(value) >= low && static_cast<std::uint64_t>(value) <= high, why);
  }
  void coordinate(std::int16_t& value) { get(&value, sizeof value); }
  void fixed(std::span<const std::byte> bytes, const char* why) {
    std::span<const std::byte> found;
    if (take(bytes.size(), found)) require(std::equal(bytes.begin(), bytes.end(), found.begin()), why);
  }
  void text(std::string& value) {
    std::uint16_t count = 0;
    std::span<const std::byte> letters;
    if (get(&count, sizeof count) && take(count, letters)) assign(value, letters);
  }
  template <class T>
  std::size_t count(std::vector<T>& values) {
    std::uint8_t n = 0;
    get(&n, 1);
    values.resize(n);
    return n;
  }
  void block(std::span<const std::byte>& bytes, std::size_t count, const char* why) {
    if (!good()) return;
    if (left_.size() < count) {
      why_ = why;
    } else {
      take(count, bytes);
    }
  }
  void rest(std::span<const std::byte>& bytes) { take(left_.size(), bytes); }
  void rest(std::string& letters) {
    std::span<const std::byte> bytes;
    if (take(left_.size(), bytes)) assign(letters, bytes);
  }
  void require(bool holds, const char* why) {
    if (good() && !holds) why_ = why;
  }
  bool good() const { return why_ == nullptr; }

  const char* finish() {
    require(left_.empty(), "the body is longer than its message");
    return why_;
  }

 private:
  static void assign(std::string& to, std::span<const std::byte> from) {
    to.assign(reinterpret_cast<const char*>(from.data()), from.size());
  }
  bool take(std::size_t count, std::span<const std::byte>& bytes) {
    require(count <= left_.size(), "the body ends early");
    if (!good()) return false;
    bytes = left_.first(count);
    left_ = left_.subspan(count);
    return true;
  }
  bool get(void* to, std::size_t count) {
    std::span<const std::byte> bytes;
    if (!take(count, bytes)) return false;
    std::memcpy(to, bytes.data(), count);  // little-endian, as this build is
    return true;
  }
  std::span<const std::byte> left_;
  const char* why_ = nullptr;
};

constexpr std::array<std::byte, 4> kMagic{std::byte{'S'}, std::byte{'I'}, std::byte{'N'}, std::byte{'V'}};
constexpr std::array<std::byte, 2> kZero{};
constexpr const char* kNotOurs = "it does not begin with SINV";
constexpr const char* kNotZero = "a field that is always zero is not";

template <class Body>
void fields(Body& body, Hello& m) {
  body.fixed(kMagic, kNotOurs);
  body.number(m.version, "");
  body.fixed(kZero, kNotZero);
  body.text(m.instance);
  body.text(m.token);
  body.text(m.plugin_version);
  body.text(m.mame_version);
  body.text(m.set);
  body.number(m.rom_crc, "");
  body.number(m.ram_address, "");
  body.number(m.ram_bytes, "");
  body.number(m.work_ram_bytes, "");
  body.number(m.state_bytes, "a machine state is too large for one frame", 0, kMaxBodyBytes - 4);
  const std::size_t n = body.count(m.buttons);
  for (std::size_t i = 0; i < n && body.good(); ++i) body.text(m.buttons[i]);
}

template <class Body>
void fields(Body& body, Welcome& m) {
  body.fixed(kMagic, kNotOurs);
  body.number(m.version, "");
  body.number(m.options, "an option is not known", 0, kMayPackOption);
  body.fixed(std::span(kZero).first(1), kNotZero);
}

template <class Body>
void fields(Body& body, Refused& m) {
  body.text(m.why);
}

template <class Body>
void fields(Body& body, Step& m) {
  body.number(m.frames, "frames are not 1 to 64", 1, kStretchFrames);
  body.number(m.pictures, "pictures are not 0, 1 or 2", 0, 2);
  body.number(m.press_rule, "");
  body.number(m.stop_rule, "");
  body.number(m.buttons_count, "pairs of buttons are not 1 to 64", 1, kStretchFrames);
  for (std::size_t i = 0; i < m.buttons_count && body.good(); ++i) {
    body.number(m.buttons[i].held, "");
    body.number(m.buttons[i].ready, "");
  }
}

template <class Body>
void fields(Body& body, StepReply& m) {
  body.number(m.frame, "");
  body.number(m.frames, "frames run are not 1 to 64", 1, kStretchFrames);
  body.number(m.stopped, "the stop mark is not 0 or 1", 0, 1);
  body.number(m.pictures, "pictures are not 0, 1 or 2", 0, 2);
  body.require(m.pictures <= m.frames, "more pictures than frames");
  if (!body.good()) return;
  body.block(m.work_ram, m.frames * kWorkRamBytes, "work RAM of fewer frames than were run");
  body.block(m.picture_ram, m.pictures * kPictureBytes, "fewer pictures than it says");
}

template <class Body>
void fields(Body& body, Rule& m) {
  body.number(m.id, "the id of a rule is 0", 1);
  const std::size_t n = body.count(m.tests);
  for (std::size_t i = 0; i < n && body.good(); ++i) {
    RamTest& test = m.tests[i];
    body.number(test.group, "");
    body.number(test.mask, "");
    body.number(test.address, "a rule asks outside work RAM", kRamAddress, kRamAddress + kWorkRamBytes - 1);
    body.number(test.value, "");
    body.number(test.equal, "a test is neither equal nor not equal", 0, 1);
  }
}

template <class Body>
void fields(Body& body, Read& m) {
  const std::size_t n = body.count(m.ranges);
  std::size_t sum = 0;
  for (std::size_t i = 0; i < n && body.good(); ++i) {
    body.number(m.ranges[i].address, "");
    body.number(m.ranges[i].bytes, "");
    sum += m.ranges[i].bytes;
  }
  body.require(sum <= kMaxBodyBytes, "it asks for more than 1 MiB");
}

template <class Body>
void fields(Body& body, ReadReply& m) {
  body.rest(m.bytes);
}

template <class Body>
void fields(Body& body, Write& m) {
  body.number(m.address, "");
  body.rest(m.bytes);
}

template <class Body>
void fields(Body& body, PowerOnReply& m) {
  body.number(m.frame, "the frame counter is not 0 after power-on", 0, 0);
  body.block(m.ram, kRamBytes, "less than all RAM");
}

template <class Body>
void fields(Body& body, StateSaveReply& m) {
  body.number(m.frame, "");
  body.rest(m.state);
}

template <class Body>
void fields(Body& body, StateLoad& m) {
  body.number(m.frame, "");
  body.rest(m.state);
}

template <class Body>
void fields(Body& body, Text& m) {
  const std::size_t n = body.count(m.lines);
  for (std::size_t i = 0; i < n && body.good(); ++i) {
    body.coordinate(m.lines[i].x);
    body.coordinate(m.lines[i].y);
    body.number(m.lines[i].colour, "");
    body.text(m.lines[i].words);
  }
}

template <class Body>
void fields(Body& body, Throttle& m) {
  body.number(m.on, "throttle is not 0 or 1", 0, 1);
  body.number(m.thousandths, "");
}

template <class Body>
void fields(Body& body, Console& m) {
  body.rest(m.lines);
}

template <class Body>
void fields(Body& body, ConsoleReply& m) {
  body.rest(m.lines);
}

template <class Body>
void fields(Body& body, Debug& m) {
  body.number(m.on, "debug is not 0 or 1", 0, 1);
}

template <class Body>
void fields(Body& body, StatisticsReply& m) {
  for (std::uint64_t* value :
       {&m.requests, &m.frames, &m.bytes_received, &m.bytes_sent, &m.asked_in_vain, &m.waited_us}) {
    body.number(*value, "");
  }
}

template <class Body>
void fields(Body& body, Failed& m) {
  body.number(m.request, "");
  body.text(m.why);
}

template <class Body, Kind kOf>
void fields(Body&, Empty<kOf>&) {}

}  // namespace

template <class Message>
void encode(const Message& message, std::uint16_t sequence, std::vector<std::byte>& out) {
  const std::size_t at = out.size();
  out.resize(at + kHeaderBytes);
  BodyWriter body(out);
  fields(body, const_cast<Message&>(message));  // a writer changes nothing
  const std::size_t bytes = out.size() - at - kHeaderBytes;
  SINV_CHECK(bytes <= kMaxBodyBytes, "mame protocol: a body of ", bytes, " bytes, at most ", kMaxBodyBytes, " go");
  const auto length = static_cast<std::uint32_t>(bytes);
  std::memcpy(out.data() + at, &length, sizeof length);
  out[at + 4] = static_cast<std::byte>(Message::kKind);
  out[at + 5] = std::byte{0};
  std::memcpy(out.data() + at + 6, &sequence, sizeof sequence);
}

template <class Message>
const char* decode(std::span<const std::byte> body, Message& message) {
  BodyReader reader(body);
  fields(reader, message);
  return reader.finish();
}

#define SINV_MAME_MESSAGE(...)                                                      \
  template void encode(const __VA_ARGS__&, std::uint16_t, std::vector<std::byte>&); \
  template const char* decode(std::span<const std::byte>, __VA_ARGS__&)
SINV_MAME_MESSAGE(Hello);
SINV_MAME_MESSAGE(Welcome);
SINV_MAME_MESSAGE(Refused);
SINV_MAME_MESSAGE(Step);
SINV_MAME_MESSAGE(StepReply);
SINV_MAME_MESSAGE(Rule);
SINV_MAME_MESSAGE(Empty<answer_to(Kind::kRule)>);
SINV_MAME_MESSAGE(Read);
SINV_MAME_MESSAGE(ReadReply);
SINV_MAME_MESSAGE(Write);
SINV_MAME_MESSAGE(Empty<answer_to(Kind::kWrite)>);
SINV_MAME_MESSAGE(Empty<Kind::kPowerOn>);
SINV_MAME_MESSAGE(PowerOnReply);
SINV_MAME_MESSAGE(Empty<Kind::kSoftReset>);
SINV_MAME_MESSAGE(Empty<answer_to(Kind::kSoftReset)>);
SINV_MAME_MESSAGE(Empty<Kind::kStateSave>);
SINV_MAME_MESSAGE(StateSaveReply);
SINV_MAME_MESSAGE(StateLoad);
SINV_MAME_MESSAGE(Empty<answer_to(Kind::kStateLoad)>);
SINV_MAME_MESSAGE(Text);
SINV_MAME_MESSAGE(Empty<answer_to(Kind::kText)>);
SINV_MAME_MESSAGE(Throttle);
SINV_MAME_MESSAGE(Empty<answer_to(Kind::kThrottle)>);
SINV_MAME_MESSAGE(Console);
SINV_MAME_MESSAGE(ConsoleReply);
SINV_MAME_MESSAGE(Debug);
SINV_MAME_MESSAGE(Empty<answer_to(Kind::kDebug)>);
SINV_MAME_MESSAGE(Empty<Kind::kStatistics>);
SINV_MAME_MESSAGE(StatisticsReply);
SINV_MAME_MESSAGE(Empty<Kind::kPing>);
SINV_MAME_MESSAGE(Empty<answer_to(Kind::kPing)>);
SINV_MAME_MESSAGE(Empty<Kind::kQuit>);
SINV_MAME_MESSAGE(Empty<answer_to(Kind::kQuit)>);
SINV_MAME_MESSAGE(Empty<Kind::kSleeping>);
SINV_MAME_MESSAGE(Empty<Kind::kAlive>);
SINV_MAME_MESSAGE(Failed);
#undef SINV_MAME_MESSAGE

std::uint16_t hello_version(std::span<const std::byte> body) {
  std::uint16_t version = 0;
  if (body.size() < 6 || !std::equal(kMagic.begin(), kMagic.end(), body.begin())) return 0;
  std::memcpy(&version, body.data() + 4, sizeof version);
  return version;
}

void replace_body_by_packed(std::vector<std::byte>& frame, std::span<const std::byte> packed) {
  frame.resize(kHeaderBytes + packed.size());
  std::copy(packed.begin(), packed.end(), frame.begin() + kHeaderBytes);
  const auto length = static_cast<std::uint32_t>(packed.size());
  std::memcpy(frame.data(), &length, sizeof length);
  frame[5] |= static_cast<std::byte>(kPackedFlag);
}

std::string kind_name(Kind kind) {
  constexpr std::array<const char*, 17> kRequests{
      "",           "HELLO", "STEP",     "RULE",    "READ",  "WRITE",      "POWER_ON", "SOFT_RESET", "STATE_SAVE",
      "STATE_LOAD", "TEXT",  "THROTTLE", "CONSOLE", "DEBUG", "STATISTICS", "PING",     "QUIT"};
  switch (kind) {
    case Kind::kWelcome:
      return "WELCOME";
    case Kind::kRefused:
      return "REFUSED";
    case Kind::kSleeping:
      return "SLEEPING";
    case Kind::kAlive:
      return "ALIVE";
    case Kind::kFailed:
      return "FAILED";
    default:
      break;
  }
  const auto code = static_cast<unsigned>(kind);
  const unsigned request = code & 0x7FU;
  if (request == 0 || request >= kRequests.size()) return sinv::text("unknown kind ", code);
  return (code >= 0x80U ? "answer to " : "") + std::string(kRequests[request]);
}

}  // namespace sinv::mame
