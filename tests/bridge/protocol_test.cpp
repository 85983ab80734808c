// Against tests/golden/mame_protocol.txt, which Python's struct and zlib have made from docs/formats.md.
#include "bridge/mame/protocol.h"

#include <cstring>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

#include "bridge/mame/frame_reader.h"
#include "tests/bridge/golden.h"

namespace sinv::mame {
namespace {

using ::testing::HasSubstr;

using Bytes = std::vector<std::byte>;

Bytes letters(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

Bytes golden_work(int frame) {
  Bytes bytes(kWorkRamBytes);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(i * 7 + static_cast<unsigned>(frame) * 3);
  return bytes;
}

Bytes golden_picture(int frame) {
  Bytes bytes(kPictureBytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::byte>(i * 5 + static_cast<unsigned>(frame) * 11 + 1);
  }
  return bytes;
}

void append(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }

Hello golden_hello() {
  Hello m;
  m.instance = "3";
  m.token = "secret";
  m.plugin_version = "1.0";
  m.mame_version = "0.251";
  m.set = "invaders";
  m.rom_crc = 0x89ABCDEF;
  m.state_bytes = 15151;
  m.buttons.assign(kButtonNames.begin(), kButtonNames.end());
  return m;
}

Step golden_step() {
  Step m{.frames = 3, .pictures = 2, .press_rule = 1, .stop_rule = 2, .buttons_count = 2};
  m.buttons[0] = {.held = 0x08, .ready = 0x04};
  m.buttons[1] = {.held = 0x10, .ready = 0x00};
  return m;
}

Rule golden_rule() {
  return {1,
          {{.group = 0, .mask = 0xFF, .address = 0x2025, .value = 0, .equal = 1},
           {.group = 0, .mask = 0xFF, .address = 0x202D, .value = 0, .equal = 0}}};
}

Text golden_text() {
  return {{{.x = -1, .y = 10, .colour = 0xFFFF8000, .words = "score 1890"},
           {.x = 100, .y = 200, .colour = 0xFFFFFFFF, .words = "Q \xE2\x86\x91"}}};
}

/// Encodes `message`, wants the golden frame; decodes the golden frame, encodes that again, wants it once more.
template <class Message>
void both_ways(const std::string& name, const Message& message, std::uint16_t sequence) {
  SCOPED_TRACE(name);
  const Bytes& golden = golden_frames().at(name);
  Bytes bytes;
  encode(message, sequence, bytes);
  EXPECT_EQ(bytes, golden);
  FrameReader reader;
  reader.feed(golden);
  Frame frame;
  ASSERT_EQ(reader.next(frame), FrameReader::Status::kFrame) << reader.why();
  EXPECT_EQ(frame.kind, Message::kKind);
  EXPECT_EQ(frame.sequence, sequence);
  Message back;
  ASSERT_EQ(decode(frame.body, back), nullptr) << decode(frame.body, back);
  Bytes again;
  encode(back, frame.sequence, again);
  EXPECT_EQ(again, golden);
}

TEST(MameProtocol, EveryMessageIsWrittenAndReadAsTheGoldenFramesAre) {
  ASSERT_EQ(golden_frames().size(), 29U);
  both_ways("hello", golden_hello(), 0);
  both_ways("welcome", Welcome{.options = kMayPackOption}, 0);
  both_ways("refused", Refused{"protocol version 2, wanted 1"}, 0);
  both_ways("step", golden_step(), 7);
  Bytes work;
  for (int i = 0; i < 3; ++i) append(work, golden_work(i));
  Bytes pictures = golden_picture(0);
  append(pictures, golden_picture(1));
  both_ways(
      "step_reply",
      StepReply{.frame = 1003, .frames = 3, .stopped = 1, .pictures = 2, .work_ram = work, .picture_ram = pictures}, 7);
  both_ways("rule", golden_rule(), 9);
  both_ways("rule_reply", Empty<answer_to(Kind::kRule)>{}, 9);
  both_ways("read", Read{{{0x20F8, 2}, {0x2100, 3}}}, 10);
  const Bytes read{std::byte{0x40}, std::byte{0x12}, std::byte{1}, std::byte{0}, std::byte{1}};
  both_ways("read_reply", ReadReply{read}, 10);
  const Bytes written{std::byte{1}, std::byte{2}};
  both_ways("write", Write{0x20EB, written}, 11);
  both_ways("write_reply", Empty<answer_to(Kind::kWrite)>{}, 11);
  both_ways("power_on", Empty<Kind::kPowerOn>{}, 12);
  both_ways("soft_reset", Empty<Kind::kSoftReset>{}, 13);
  both_ways("state_save", Empty<Kind::kStateSave>{}, 14);
  Bytes state;
  for (int i = 0; i < 16; ++i) state.push_back(static_cast<std::byte>(i));
  both_ways("state_save_reply", StateSaveReply{500, state}, 14);
  both_ways("state_load", StateLoad{500, state}, 15);
  both_ways("text", golden_text(), 16);
  both_ways("throttle", Throttle{.on = 1, .thousandths = 500}, 17);
  both_ways("console", Console{"read_memory 20F8\nframe"}, 18);
  both_ways("console_reply", ConsoleReply{"40\n123"}, 18);
  both_ways("debug", Debug{1}, 19);
  both_ways("statistics", Empty<Kind::kStatistics>{}, 20);
  both_ways("statistics_reply", StatisticsReply{1, 2, 3, 4, 5, 1ULL << 40}, 20);
  both_ways("ping", Empty<Kind::kPing>{}, 21);
  both_ways("quit", Empty<Kind::kQuit>{}, 0xFFFF);
  both_ways("sleeping", Empty<Kind::kSleeping>{}, 0);
  both_ways("alive", Empty<Kind::kAlive>{}, 0);
  both_ways("failed", Failed{3, "rule 7: address 3000 is not in work RAM"}, 22);
}

TEST(MameProtocol, ThePackedGoldenFrameUnpacks) {
  FrameReader reader;
  reader.feed(golden_frames().at("step_reply_zlib"));
  Frame frame;
  ASSERT_EQ(reader.next(frame), FrameReader::Status::kFrame) << reader.why();
  StepReply reply;
  ASSERT_EQ(decode(frame.body, reply), nullptr);
  EXPECT_EQ(frame.sequence, 8);
  EXPECT_EQ(reply.frame, 1004U);
  EXPECT_EQ(reply.frames, 1);
  EXPECT_EQ(reply.pictures, 0);
  EXPECT_EQ(Bytes(reply.work_ram.begin(), reply.work_ram.end()), golden_work(0));
}

TEST(MameProtocol, AFrameThatIsPackedHereUnpacksToTheSameBody) {
  Bytes frame_bytes = golden_frames().at("step_reply");
  const Bytes body(frame_bytes.begin() + kHeaderBytes, frame_bytes.end());
  Deflater deflater;
  replace_body_by_packed(frame_bytes, deflater.pack(body));
  EXPECT_LT(frame_bytes.size(), body.size() / 2);
  FrameReader reader;
  reader.feed(frame_bytes);
  Frame frame;
  ASSERT_EQ(reader.next(frame), FrameReader::Status::kFrame) << reader.why();
  EXPECT_EQ(frame.sequence, 7);
  EXPECT_EQ(Bytes(frame.body.begin(), frame.body.end()), body);
}

template <class Message>
std::string why(const Bytes& body) {
  Message message;
  const char* reason = decode(body, message);
  return reason == nullptr ? "" : reason;
}

Bytes golden_body(const std::string& name) {
  const Bytes& frame = golden_frames().at(name);
  return {frame.begin() + kHeaderBytes, frame.end()};
}

Bytes changed(const std::string& name, std::size_t at, int value) {
  Bytes body = golden_body(name);
  body.at(at) = static_cast<std::byte>(value);
  return body;
}

Bytes longer(const std::string& name) {
  Bytes body = golden_body(name);
  body.push_back(std::byte{0});
  return body;
}

TEST(MameProtocol, BodiesOutsideTheirBoundsAreRefusedWithAReason) {
  EXPECT_THAT(why<Hello>(changed("hello", 0, 'X')), HasSubstr("begin with SINV"));
  EXPECT_THAT(why<Hello>(changed("hello", 7, 1)), HasSubstr("always zero"));
  EXPECT_THAT(why<Hello>(changed("hello", 8, 0xFF)), HasSubstr("ends early"));
  EXPECT_THAT(why<Hello>(longer("hello")), HasSubstr("longer than its message"));
  EXPECT_THAT(why<Welcome>(changed("welcome", 6, 2)), HasSubstr("option"));
  EXPECT_THAT(why<Welcome>(changed("welcome", 7, 2)), HasSubstr("always zero"));
  EXPECT_THAT(why<Step>(changed("step", 0, 0)), HasSubstr("frames are not 1 to 64"));
  EXPECT_THAT(why<Step>(changed("step", 0, 65)), HasSubstr("frames are not 1 to 64"));
  EXPECT_THAT(why<Step>(changed("step", 2, 3)), HasSubstr("pictures are not"));
  EXPECT_THAT(why<Step>(changed("step", 5, 0)), HasSubstr("pairs of buttons"));
  EXPECT_THAT(why<Step>(changed("step", 5, 65)), HasSubstr("pairs of buttons"));
  EXPECT_THAT(why<Step>(changed("step", 5, 3)), HasSubstr("ends early"));
  EXPECT_THAT(why<Step>(changed("step", 5, 1)), HasSubstr("longer than its message"));
  EXPECT_THAT(why<StepReply>(changed("step_reply", 4, 0)), HasSubstr("frames run"));
  EXPECT_THAT(why<StepReply>(changed("step_reply", 5, 1)), HasSubstr("frames run"));
  EXPECT_THAT(why<StepReply>(changed("step_reply", 4, 64)), HasSubstr("fewer frames"));
  EXPECT_THAT(why<StepReply>(changed("step_reply", 4, 1)), HasSubstr("more pictures than frames"));
  EXPECT_THAT(why<StepReply>(changed("step_reply", 4, 17)), HasSubstr("fewer pictures"));
  EXPECT_THAT(why<StepReply>(changed("step_reply", 6, 2)), HasSubstr("stop mark"));
  EXPECT_THAT(why<StepReply>(changed("step_reply", 7, 1)), HasSubstr("longer than its message"));
  EXPECT_THAT(why<Rule>(changed("rule", 0, 0)), HasSubstr("id of a rule"));
  EXPECT_THAT(why<Rule>(changed("rule", 5, 0x24)), HasSubstr("outside work RAM"));
  EXPECT_THAT(why<Rule>(changed("rule", 7, 2)), HasSubstr("neither equal"));
  EXPECT_THAT(why<Rule>(changed("rule", 1, 3)), HasSubstr("ends early"));
  EXPECT_THAT(why<Throttle>(changed("throttle", 0, 2)), HasSubstr("throttle"));
  EXPECT_THAT(why<Debug>(changed("debug", 0, 2)), HasSubstr("debug"));
  EXPECT_THAT(why<Empty<Kind::kPing>>(longer("ping")), HasSubstr("longer than its message"));
  EXPECT_THAT(why<PowerOnReply>(Bytes(4 + kRamBytes - 1)), HasSubstr("less than all RAM"));
  Bytes power_on(4 + kRamBytes);
  EXPECT_EQ(why<PowerOnReply>(power_on), "");
  power_on[0] = std::byte{1};
  EXPECT_THAT(why<PowerOnReply>(power_on), HasSubstr("frame counter is not 0"));
  Bytes read(1 + 17 * 4, std::byte{0xFF});
  read[0] = std::byte{17};
  EXPECT_THAT(why<Read>(read), HasSubstr("more than 1 MiB"));
}

TEST(MameProtocol, EveryCutBodyIsRefusedAndNothingIsReadBehindIt) {
  const auto cut = [](const std::string& name, const std::function<std::string(const Bytes&)>& why_of) {
    const Bytes body = golden_body(name);
    for (std::size_t count = 0; count < body.size(); ++count) {
      EXPECT_NE(why_of(Bytes(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(count))), "")
          << name << " " << count;
    }
  };
  cut("hello", why<Hello>);
  cut("welcome", why<Welcome>);
  cut("refused", why<Refused>);
  cut("step", why<Step>);
  cut("rule", why<Rule>);
  cut("read", why<Read>);
  cut("text", why<Text>);
  cut("throttle", why<Throttle>);
  cut("statistics_reply", why<StatisticsReply>);
  cut("failed", why<Failed>);
  const Bytes reply = golden_body("step_reply");
  for (const std::size_t count :
       {std::size_t{0}, std::size_t{7}, std::size_t{8}, std::size_t{1032}, reply.size() - 1}) {
    EXPECT_NE(why<StepReply>(Bytes(reply.begin(), reply.begin() + static_cast<std::ptrdiff_t>(count))), "") << count;
  }
}

TEST(MameProtocol, WhatIsOutOfBoundsIsNotWritten) {
  Bytes out;
  const auto message_of = [&](const auto& message) -> std::string {
    try {
      encode(message, 1, out);
    } catch (const Error& error) {
      return error.what();
    }
    return "written";
  };
  EXPECT_THAT(message_of(Step{.frames = 65}), HasSubstr("a field is 65, must be 1 to 64"));
  EXPECT_THAT(message_of(Rule{1, {{.group = 0, .mask = 1, .address = 0x2400, .value = 0}}}),
              HasSubstr("must be 8192 to 9215"));
  EXPECT_THAT(message_of(Rule{1, std::vector<RamTest>(256)}), HasSubstr("at most 255"));
  EXPECT_THAT(message_of(Refused{std::string(65536, 'x')}), HasSubstr("at most 65535"));
  EXPECT_THAT(message_of(StepReply{.frames = 1}), HasSubstr("0 bytes where 1024 are wanted"));
  EXPECT_THAT(message_of(Console{std::string(kMaxBodyBytes + 1, 'x')}), HasSubstr("a body of 1048577 bytes"));
}

TEST(MameProtocol, AHelloOfAnotherVersionTellsItsVersion) {
  EXPECT_EQ(hello_version(golden_body("hello")), 1);
  EXPECT_EQ(hello_version(letters("SINV\x07\x01 something else")), 0x0107);
  EXPECT_EQ(hello_version(letters("GET / HTTP/1.1")), 0);
  EXPECT_EQ(hello_version(letters("SINV\x01")), 0);
}

TEST(MameProtocol, KindsHaveNames) {
  EXPECT_EQ(kind_name(Kind::kStep), "STEP");
  EXPECT_EQ(kind_name(answer_to(Kind::kQuit)), "answer to QUIT");
  EXPECT_EQ(kind_name(Kind::kWelcome), "WELCOME");
  EXPECT_EQ(kind_name(static_cast<Kind>(0x55)), "unknown kind 85");
  EXPECT_EQ(kind_name(static_cast<Kind>(0x80)), "unknown kind 128");
}

TEST(MameProtocol, WritingTakesNoMemoryOnceTheBufferIsLargeEnough) {
  Bytes out;
  encode(golden_step(), 1, out);
  const std::byte* at = out.data();
  for (int i = 0; i < 100; ++i) {
    out.clear();
    encode(golden_step(), 1, out);
    EXPECT_EQ(out.data(), at);
  }
}

}  // namespace
}  // namespace sinv::mame
