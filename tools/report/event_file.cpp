#include "tools/report/event_file.h"

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <fmt/core.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

namespace sinv {

namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78;  // Castagnoli, reflected

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    table[byte] = crc;
  }
  return table;
}

// record_writer.h, crc32c.h: a checksum of bytes that hold checksums is masked.
std::uint32_t masked(std::uint32_t crc) { return std::rotr(crc, 15) + 0xA282EAD8; }

template <class Value>
void put(std::string& to, Value value) {
  char bytes[sizeof(Value)];
  std::memcpy(bytes, &value, sizeof(Value));
  to.append(bytes, sizeof(Value));
}

// Protocol buffers: a field is its number and wire type, then a varint, 4 or 8 bytes, or a length and bytes.
enum class Wire : std::uint8_t { kVarint = 0, kEight = 1, kBytes = 2, kFour = 5 };

void put_varint(std::string& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) to += static_cast<char>((value & 0x7F) | 0x80);
  to += static_cast<char>(value);
}

void put_key(std::string& to, unsigned field, Wire wire) { put_varint(to, (field << 3) | static_cast<unsigned>(wire)); }

void put_bytes(std::string& to, unsigned field, std::string_view bytes) {
  put_key(to, field, Wire::kBytes);
  put_varint(to, bytes.size());
  to += bytes;
}

// Event: wall_time = 1, step = 2, file_version = 3, summary = 5, session_log = 7.
std::string event_at(std::int64_t step) {
  std::string event;
  put_key(event, 1, Wire::kEight);
  put(event, std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count());
  put_key(event, 2, Wire::kVarint);
  put_varint(event, static_cast<std::uint64_t>(step));
  return event;
}

// Summary.Value: tag = 1, simple_value = 2; Summary: value = 1.
void put_scalar(std::string& summary, const std::string& tag, float number) {
  std::string value;
  put_bytes(value, 1, tag);
  put_key(value, 2, Wire::kFour);
  put(value, number);
  put_bytes(summary, 1, value);
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static constexpr std::array<std::uint32_t, 256> kTable = make_table();
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char byte : bytes) crc = (crc >> 8) ^ kTable[(crc ^ static_cast<std::uint8_t>(byte)) & 0xFF];
  return crc ^ 0xFFFFFFFF;
}

EventFile::~EventFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void EventFile::open() {
  std::error_code fault;
  std::filesystem::create_directories(folder_, fault);
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host = {'h', 'o', 's', 't'};
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  for (int number = 0; descriptor_ < 0; ++number) {
    const std::string tail = number == 0 ? "" : fmt::format(".{}", number);
    path_ = folder_ / fmt::format("events.out.tfevents.{:010}.{}{}", seconds, host.data(), tail);
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
    if (descriptor_ < 0 && errno != EEXIST) {
      throw UserError(text(path_.string(), ": cannot be created: ", std::strerror(errno)));
    }
  }
  std::string version = event_at(0);
  put_bytes(version, 3, "brain.Event:2");
  append(version);
  if (!restart_frames_) return;
  // SessionLog: status = 1, START = 1: all later steps of older files are void.
  std::string log;
  put_key(log, 1, Wire::kVarint);
  put_varint(log, 1);
  std::string restart = event_at(*restart_frames_ + 1);
  put_bytes(restart, 7, log);
  append(restart);
}

void EventFile::append(const std::string& event) {
  std::string framed;
  put(framed, static_cast<std::uint64_t>(event.size()));
  put(framed, masked(crc32c(framed)));
  framed += event;
  put(framed, masked(crc32c(event)));
  const ssize_t done = ::write(descriptor_, framed.data(), framed.size());
  if (done == static_cast<ssize_t>(framed.size())) return;
  const int cause = done < 0 ? errno : ENOSPC;
  if (done > 0) {
    struct stat about {};
    if (::fstat(descriptor_, &about) == 0 && ::ftruncate(descriptor_, about.st_size - done) != 0) {
      ::close(std::exchange(descriptor_, -1));  // the next record begins a new file
    }
  }
  throw UserError(text(path_.string(), ": a record could not be written: ", std::strerror(cause)));
}

void EventFile::record(std::string_view json) {
  const nlohmann::json line = nlohmann::json::parse(json, nullptr, false);
  if (!line.is_object() || !line.contains("kind") || !line.contains("frames")) return;
  const std::string kind = line["kind"].get<std::string>();
  std::string summary;
  for (const auto& [name, value] : line.items()) {
    if (value.is_number() && name != "frames") put_scalar(summary, kind + "/" + name, value.get<float>());
  }
  if (summary.empty()) return;
  if (descriptor_ < 0) open();
  std::string event = event_at(line["frames"].get<std::int64_t>());
  put_bytes(event, 5, summary);
  append(event);
}

}  // namespace sinv
