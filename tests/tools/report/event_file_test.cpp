// The decoder here is written from the formats alone (RFC 3720, TFRecord, protocol buffers) and shares no code with
// the writer.
#include "tools/report/event_file.h"

#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "tests/support/folder.h"

namespace sinv {
namespace {

using testing::HasSubstr;

// Bit by bit, most significant coefficient last, as the standard writes it.
std::uint32_t slow_crc32c(const std::string& bytes) {
  std::uint32_t rest = 0xFFFFFFFF;
  for (const char letter : bytes) {
    for (int bit = 0; bit < 8; ++bit) {
      const bool out = (((static_cast<std::uint8_t>(letter) >> bit) ^ rest) & 1) != 0;
      rest >>= 1;
      if (out) rest ^= 0x82F63B78;
    }
  }
  return ~rest;
}

std::uint32_t unmasked(std::uint32_t crc) {
  const std::uint32_t turned = crc - 0xA282EAD8;
  return (turned >> 17) | (turned << 15);
}

template <class Value>
Value value_at(const std::string& bytes, std::size_t at) {
  Value value;
  EXPECT_LE(at + sizeof(Value), bytes.size());
  std::memcpy(&value, bytes.data() + at, sizeof(Value));
  return value;
}

// Fields of one message: number and raw payload (varints as text of their value).
std::vector<std::pair<unsigned, std::string>> fields_of(const std::string& message) {
  std::vector<std::pair<unsigned, std::string>> out;
  std::size_t at = 0;
  const auto varint = [&] {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<std::uint8_t>(message.at(at++));
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.size()) {
    const std::uint64_t key = varint();
    std::size_t count = 0;
    switch (key & 7) {
      case 0:
        out.emplace_back(key >> 3, std::to_string(varint()));
        continue;
      case 1:
        count = 8;
        break;
      case 2:
        count = varint();
        break;
      case 5:
        count = 4;
        break;
      default:
        ADD_FAILURE() << "wire type " << (key & 7);
        return out;
    }
    out.emplace_back(key >> 3, message.substr(at, count));
    at += count;
  }
  return out;
}

struct DecodedEvent {
  double wall_time = 0;
  std::int64_t step = 0;
  std::string version;
  std::string session;
  std::map<std::string, float> scalars;
};

std::vector<DecodedEvent> decode(const std::filesystem::path& path) {
  const std::vector<std::byte> raw = read_file(path);
  const std::string bytes(reinterpret_cast<const char*>(raw.data()), raw.size());
  std::vector<DecodedEvent> events;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto length = value_at<std::uint64_t>(bytes, at);
    EXPECT_EQ(unmasked(value_at<std::uint32_t>(bytes, at + 8)), slow_crc32c(bytes.substr(at, 8)));
    const std::string message = bytes.substr(at + 12, length);
    EXPECT_EQ(unmasked(value_at<std::uint32_t>(bytes, at + 12 + length)), slow_crc32c(message));
    at += 16 + length;
    DecodedEvent event;
    for (const auto& [number, payload] : fields_of(message)) {
      if (number == 1) event.wall_time = value_at<double>(payload, 0);
      if (number == 2) event.step = std::stoll(payload);
      if (number == 3) event.version = payload;
      if (number == 7) event.session = payload;
      if (number != 5) continue;
      for (const auto& [summary_number, value] : fields_of(payload)) {
        EXPECT_EQ(summary_number, 1U);
        std::string tag;
        float scalar = 0;
        for (const auto& [value_number, part] : fields_of(value)) {
          if (value_number == 1) tag = part;
          if (value_number == 2) scalar = value_at<float>(part, 0);
        }
        event.scalars[tag] = scalar;
      }
    }
    events.push_back(event);
  }
  return events;
}

std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) out.push_back(entry.path());
  return out;
}

TEST(EventFile, ChecksumIsThatOfTheStandard) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);    // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);  // the same
  EXPECT_EQ(slow_crc32c("123456789"), 0xE3069283U);
}

TEST(EventFile, AnotherDecoderReadsTheNumbers) {
  TestFolder folder;
  {
    EventFile file(folder / "tensorboard");
    file.record(R"({"kind":"train","frames":180000,"loss":0.25,"mean_score_100":812.5})");
    file.record(R"({"kind":"evaluation","frames":5000000000,"mean":-3})");
    file.record(R"({"kind":"event","frames":7,"text":"disk full"})");
  }
  const auto files = files_in(folder / "tensorboard");
  ASSERT_EQ(files.size(), 1U);
  EXPECT_THAT(files[0].filename().string(), HasSubstr("events.out.tfevents."));
  const std::vector<DecodedEvent> events = decode(files[0]);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].version, "brain.Event:2");
  EXPECT_GT(events[0].wall_time, 1.6e9);
  EXPECT_EQ(events[1].step, 180000);
  EXPECT_EQ(events[1].scalars, (std::map<std::string, float>{{"train/loss", 0.25F}, {"train/mean_score_100", 812.5F}}));
  EXPECT_EQ(events[2].step, 5000000000);
  EXPECT_EQ(events[2].scalars, (std::map<std::string, float>{{"evaluation/mean", -3.0F}}));
}

TEST(EventFile, ARewindIsToldToTheReader) {
  TestFolder folder;
  EventFile(folder.path()).record(R"({"kind":"train","frames":300,"loss":1})");
  {
    EventFile file(folder.path());
    file.rewind(200);
    file.record(R"({"kind":"train","frames":300,"loss":2})");
  }
  int restarts = 0;
  for (const auto& path : files_in(folder.path())) {
    for (const DecodedEvent& event : decode(path)) {
      if (event.session.empty()) continue;
      ++restarts;
      EXPECT_EQ(event.step, 201);                         // everything from here on is void
      EXPECT_EQ(event.session, std::string("\x08\x01"));  // status START
    }
  }
  EXPECT_EQ(files_in(folder.path()).size(), 2U);
  EXPECT_EQ(restarts, 1);
}

TEST(EventFile, AFolderThatCannotBeMadeIsOneSentence) {
  TestFolder folder;
  write_file(folder / "file", std::string_view("x"));
  EventFile file(folder / "file");
  try {
    file.record(R"({"kind":"train","frames":1,"loss":1})");
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr(": cannot be created: Not a directory"));
  }
}

}  // namespace
}  // namespace sinv
