#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cabinet/machine.h"

// The messages of the bridge to MAME, as docs/formats.md ("The bridge to MAME") lays them out byte by byte. Pure: no
// sockets, no clock. The engine writes requests and reads answers; the other directions serve tests.
namespace sinv::mame {

inline constexpr std::uint16_t kProtocolVersion = 1;
inline constexpr std::size_t kHeaderBytes = 8;
inline constexpr std::size_t kMaxBodyBytes = std::size_t{1} << 20;
inline constexpr std::size_t kPictureBytes = kRamBytes - kWorkRamBytes;
inline constexpr std::uint8_t kPackedFlag = 0x01;     // the body is one zlib stream
inline constexpr std::size_t kPackFromBytes = 512;    // shorter bodies always come as they are
inline constexpr std::uint8_t kMayPackOption = 0x01;  // of WELCOME
inline constexpr std::array<const char*, 6> kButtonNames{"coin", "start1", "fire", "left", "right", "start2"};

enum class Kind : std::uint8_t {
  kHello = 0x01,
  kStep = 0x02,
  kRule = 0x03,
  kRead = 0x04,
  kWrite = 0x05,
  kPowerOn = 0x06,
  kSoftReset = 0x07,
  kStateSave = 0x08,
  kStateLoad = 0x09,
  kText = 0x0A,
  kThrottle = 0x0B,
  kConsole = 0x0C,
  kDebug = 0x0D,
  kStatistics = 0x0E,
  kPing = 0x0F,
  kQuit = 0x10,
  kRefused = 0x7F,
  kWelcome = 0x81,
  kSleeping = 0xF0,
  kAlive = 0xF1,
  kFailed = 0xFF,
};

/// The answer to a request has its kind plus $80.
constexpr Kind answer_to(Kind request) { return static_cast<Kind>(static_cast<unsigned>(request) | 0x80U); }

/// "STEP", "answer to STEP", or "unknown".
std::string kind_name(Kind kind);

struct Hello {
  static constexpr Kind kKind = Kind::kHello;
  std::uint16_t version = kProtocolVersion;
  std::string instance;
  std::string token;
  std::string plugin_version;
  std::string mame_version;
  std::string set;
  std::uint32_t rom_crc = 0;
  std::uint16_t ram_address = kRamAddress;
  std::uint16_t ram_bytes = kRamBytes;
  std::uint16_t work_ram_bytes = kWorkRamBytes;
  std::uint32_t state_bytes = 0;
  std::vector<std::string> buttons;
};

struct Welcome {
  static constexpr Kind kKind = Kind::kWelcome;
  std::uint16_t version = kProtocolVersion;
  std::uint8_t options = 0;
};

struct Refused {
  static constexpr Kind kKind = Kind::kRefused;
  std::string why;
};

struct Step {
  static constexpr Kind kKind = Kind::kStep;
  std::uint16_t frames = 1;
  std::uint8_t pictures = 0;
  std::uint8_t press_rule = 0;
  std::uint8_t stop_rule = 0;
  std::uint8_t buttons_count = 1;
  std::array<FrameButtons, kStretchFrames> buttons{};
};

/// Views into the body it was read from.
struct StepReply {
  static constexpr Kind kKind = answer_to(Kind::kStep);
  std::uint32_t frame = 0;
  std::uint16_t frames = 0;
  std::uint8_t stopped = 0;
  std::uint8_t pictures = 0;
  std::span<const std::byte> work_ram{};     // frames * kWorkRamBytes
  std::span<const std::byte> picture_ram{};  // pictures * kPictureBytes
};

struct Rule {
  static constexpr Kind kKind = Kind::kRule;
  std::uint8_t id = 1;
  std::vector<RamTest> tests;
};

struct MemoryRange {
  std::uint16_t address = 0;
  std::uint16_t bytes = 0;
};

struct Read {
  static constexpr Kind kKind = Kind::kRead;
  std::vector<MemoryRange> ranges;
};

struct ReadReply {
  static constexpr Kind kKind = answer_to(Kind::kRead);
  std::span<const std::byte> bytes;  // view
};

struct Write {
  static constexpr Kind kKind = Kind::kWrite;
  std::uint16_t address = 0;
  std::span<const std::byte> bytes;  // view
};

struct PowerOnReply {
  static constexpr Kind kKind = answer_to(Kind::kPowerOn);
  std::uint32_t frame = 0;
  std::span<const std::byte> ram;  // view; kRamBytes
};

struct StateSaveReply {
  static constexpr Kind kKind = answer_to(Kind::kStateSave);
  std::uint32_t frame = 0;
  std::span<const std::byte> state;  // view
};

struct StateLoad {
  static constexpr Kind kKind = Kind::kStateLoad;
  std::uint32_t frame = 0;
  std::span<const std::byte> state;  // view
};

/// Words on MAME's screen, in pixels of the upright picture from the top left.
struct ScreenText {
  std::int16_t x = 0;
  std::int16_t y = 0;
  std::uint32_t colour = 0xFFFFFFFF;  // $AARRGGBB
  std::string words;
};

struct Text {
  static constexpr Kind kKind = Kind::kText;
  std::vector<ScreenText> lines;
};

struct Throttle {
  static constexpr Kind kKind = Kind::kThrottle;
  std::uint8_t on = 0;
  std::uint32_t thousandths = 1000;
};

struct Console {
  static constexpr Kind kKind = Kind::kConsole;
  std::string lines;
};

struct ConsoleReply {
  static constexpr Kind kKind = answer_to(Kind::kConsole);
  std::string lines;
};

struct Debug {
  static constexpr Kind kKind = Kind::kDebug;
  std::uint8_t on = 0;
};

struct StatisticsReply {
  static constexpr Kind kKind = answer_to(Kind::kStatistics);
  std::uint64_t requests = 0;
  std::uint64_t frames = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t asked_in_vain = 0;
  std::uint64_t waited_us = 0;
};

struct Failed {
  static constexpr Kind kKind = Kind::kFailed;
  std::uint8_t request = 0;
  std::string why;
};

/// A message without a body.
template <Kind kOf>
struct Empty {
  static constexpr Kind kKind = kOf;
};

/// Appends the message to `out` as one whole frame, not packed. Takes no memory once `out` is large enough.
/// Errors: Error when a field is outside its bounds or the body would be longer than kMaxBodyBytes.
template <class Message>
void encode(const Message& message, std::uint16_t sequence, std::vector<std::byte>& out);

/// Fills `message` from a body. Null, or what is wrong with the body; then `message` holds anything.
template <class Message>
const char* decode(std::span<const std::byte> body, Message& message);

/// Version that a body of HELLO states, also when the rest is of another version; 0 when it is no HELLO at all.
std::uint16_t hello_version(std::span<const std::byte> body);

/// Turns the one frame in `frame` into a packed one. `packed`: its body as one zlib stream.
void replace_body_by_packed(std::vector<std::byte>& frame, std::span<const std::byte> packed);

}  // namespace sinv::mame
