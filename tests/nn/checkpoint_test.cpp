#include "nn/checkpoint.h"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "tests/support/folder.h"

namespace sinv {
namespace {

using ::testing::HasSubstr;

const std::vector<float> kWeights{1.5F, -2.0F, 0.0F, 3.25F, 1e-30F, -1e30F};
const std::vector<std::int64_t> kCounts{-1, 1LL << 40};

std::vector<std::byte> blob() {
  std::vector<std::byte> bytes(1001);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7);
  return bytes;
}

void write_sample(const std::filesystem::path& path) {
  const std::vector<std::byte> state = blob();
  CheckpointWriter writer;
  writer.set("agent", "dqn-mlp");
  writer.set("updates", "1200");
  writer.set("note", "a \"quoted\" word, \n and caf\xC3\xA9");
  writer.add("fc0.weight", {2, 3}, std::span<const float>(kWeights));
  writer.add("counts", {2}, std::span<const std::int64_t>(kCounts));
  writer.add("empty", {0, 4}, std::span<const float>());
  writer.add("replay", state);
  writer.write(path);
}

// The text of the error that opening the file gives, or "" when it opens.
std::string refusal(const std::filesystem::path& path) {
  try {
    CheckpointReader reader(path);
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

// Not write_file(): a thousand fsyncs take a while.
void write_quick(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

// A file with any header, without a valid checksum.
void write_raw(const std::filesystem::path& path, const std::string& header, std::size_t data) {
  const std::uint64_t length = header.size();
  std::string all(reinterpret_cast<const char*>(&length), 8);
  write_file(path, all + header + std::string(data, 'x'));
}

TEST(Checkpoint, WhatWasWrittenIsRead) {
  const TestFolder folder;
  write_sample(folder / "a.bin");
  CheckpointReader reader(folder / "a.bin");
  EXPECT_EQ(reader.get("agent"), "dqn-mlp");
  EXPECT_EQ(reader.get_int("updates"), 1200);
  EXPECT_EQ(reader.get("note"), "a \"quoted\" word, \n and caf\xC3\xA9");
  EXPECT_EQ(reader.metadata().size(), 3U);
  EXPECT_EQ(reader.tensors().size(), 4U);
  std::vector<float> weights(6);
  reader.read("fc0.weight", {2, 3}, std::span<float>(weights));
  EXPECT_EQ(weights, kWeights);
  std::vector<std::int64_t> counts(2);
  reader.read("counts", {2}, std::span<std::int64_t>(counts));
  EXPECT_EQ(counts, kCounts);
  reader.read("empty", {0, 4}, std::span<float>());
  EXPECT_EQ(reader.read_state("replay"), blob());
  EXPECT_TRUE(reader.has("replay"));
  EXPECT_FALSE(reader.has("replays"));
}

TEST(Checkpoint, TheFileFollowsTheFormatByteForByte) {
  const TestFolder folder;
  write_sample(folder / "a.bin");
  const std::vector<std::byte> bytes = read_file(folder / "a.bin");
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  EXPECT_EQ((8 + length) % 8, 0U);
  const std::string header(reinterpret_cast<const char*>(bytes.data()) + 8, length);
  EXPECT_EQ(header.front(), '{');
  EXPECT_THAT(header, HasSubstr("\"fc0.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}"));
  EXPECT_THAT(header, HasSubstr("\"counts\":{\"dtype\":\"I64\",\"shape\":[2],\"data_offsets\":[24,40]}"));
  EXPECT_THAT(header, HasSubstr("\"replay\":{\"dtype\":\"U8\",\"shape\":[1001],\"data_offsets\":[40,1041]}"));
  EXPECT_EQ(bytes.size(), 8 + length + 1041);
  EXPECT_EQ(std::memcmp(bytes.data() + 8 + length, kWeights.data(), 24), 0);
}

TEST(Checkpoint, OpensWithThePythonPackage) {
  if (std::system("python3 -c 'import safetensors, numpy' 2>/dev/null") != 0) {
    GTEST_SKIP() << "the Python package safetensors is not installed";
  }
  const TestFolder folder;
  write_sample(folder / "a.bin");
  const std::string program =
      "python3 -c 'from safetensors import safe_open as o; f = o(\"" + (folder / "a.bin").string() +
      "\", framework=\"np\"); assert f.metadata()[\"agent\"] == \"dqn-mlp\"; w = f.get_tensor(\"fc0.weight\"); "
      "assert w.shape == (2, 3) and w[1, 0] == 3.25; assert f.get_tensor(\"replay\")[3] == 21'";
  EXPECT_EQ(std::system(program.c_str()), 0);
}

TEST(Checkpoint, ATruncatedFileIsRefusedAtEveryLength) {
  const TestFolder folder;
  write_sample(folder / "a.bin");
  const std::vector<std::byte> bytes = read_file(folder / "a.bin");
  for (std::size_t length = 0; length < bytes.size(); length += 1 + length / 50) {
    write_quick(folder / "b.bin", std::span(bytes).first(length));
    EXPECT_THAT(refusal(folder / "b.bin"), HasSubstr("b.bin: is ")) << "length " << length;
  }
  write_file(folder / "b.bin", std::span(bytes).first(bytes.size() - 1));
  EXPECT_THAT(refusal(folder / "b.bin"), HasSubstr("is truncated: 1040 bytes of data where the header promises 1041"));
}

TEST(Checkpoint, EveryChangedByteIsNoticed) {
  const TestFolder folder;
  write_sample(folder / "a.bin");
  const std::vector<std::byte> bytes = read_file(folder / "a.bin");
  Random random(11, 0);
  for (int round = 0; round < 600; ++round) {
    std::vector<std::byte> changed = bytes;
    const std::uint32_t at = random.below(static_cast<std::uint32_t>(bytes.size()));
    changed[at] ^= static_cast<std::byte>(1 + random.below(255));
    write_quick(folder / "b.bin", changed);
    EXPECT_NE(refusal(folder / "b.bin"), "") << "byte " << at;
  }
}

TEST(Checkpoint, RandomCorruptionNeverDoesMoreThanRefuse) {
  const TestFolder folder;
  write_sample(folder / "a.bin");
  const std::vector<std::byte> bytes = read_file(folder / "a.bin");
  Random random(12, 0);
  for (int round = 0; round < 600; ++round) {
    std::vector<std::byte> changed = bytes;
    for (std::uint32_t i = 0, n = 1 + random.below(20); i < n; ++i) {
      const std::uint32_t at = random.below(static_cast<std::uint32_t>(changed.size()));
      const std::uint32_t most = std::min<std::uint32_t>(400, static_cast<std::uint32_t>(changed.size()));
      switch (random.below(3)) {
        case 0:  // digits and brackets hit the header's grammar
          changed[random.below(most)] = static_cast<std::byte>("0123456789{}[]\",:-"[random.below(18)]);
          break;
        case 1:
          changed[at] = static_cast<std::byte>(random.below(256));
          break;
        default:
          changed.erase(changed.begin() + at);
      }
    }
    if (changed == bytes) continue;
    write_quick(folder / "b.bin", changed);
    EXPECT_NE(refusal(folder / "b.bin"), "") << "round " << round;
  }
}

TEST(Checkpoint, WrongHeadersAreRefusedWithTheReason) {
  const TestFolder folder;
  const std::filesystem::path path = folder / "b.bin";
  const auto with = [&](const std::string& header, std::size_t data) {
    write_raw(path, header, data);
    return refusal(path);
  };
  EXPECT_THAT(with("[]", 0), HasSubstr("header is not a JSON object"));
  EXPECT_THAT(with("{\"a\"", 0), HasSubstr("header is not a JSON object"));
  EXPECT_THAT(with("{\"a\":1}", 0), HasSubstr("the header entry \"a\" is not an object"));
  EXPECT_THAT(with("{\"a\":{\"dtype\":\"F32\"}}", 0), HasSubstr("\"a\" lacks dtype, shape or data_offsets"));
  EXPECT_THAT(with("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4), HasSubstr("lacks dtype"));
  EXPECT_THAT(with("{\"a\":{\"dtype\":\"F8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1),
              HasSubstr("\"a\" of the type F8, which is not known here"));
  EXPECT_THAT(with("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4),
              HasSubstr("\"a\" has shape [2] but 4 bytes"));
  EXPECT_THAT(with("{\"a\":{\"dtype\":\"U64\",\"shape\":[4611686018427387904,8],\"data_offsets\":[0,0]}}", 0),
              HasSubstr("\"a\" has shape"));
  EXPECT_THAT(with("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
                   "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[2,6]}}",
                   6),
              HasSubstr("\"b\" overlaps or leaves a gap"));
  EXPECT_THAT(with("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[1,5]}}", 5), HasSubstr("leaves a gap"));
  EXPECT_THAT(with("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 5),
              HasSubstr("1 bytes follow the last tensor"));
  EXPECT_THAT(with("{\"__metadata__\":{\"a\":1}}", 0), HasSubstr("the metadata \"a\" is not a text"));
  EXPECT_THAT(with("{}", 0), HasSubstr("was not written by sinv_engine: it carries no checksum"));
  EXPECT_THAT(with("{\"__metadata__\":{\"sinv.crc32\":\"12345678\"}}", 0), HasSubstr("its checksum is"));
  EXPECT_THAT(with("{\"__metadata__\":{\"sinv.crc32\":\"123\"}}", 0), HasSubstr("its checksum is not readable"));
  write_file(path, std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10));
  EXPECT_THAT(refusal(path), HasSubstr("its header cannot have that length"));
  EXPECT_THAT(refusal(folder / "absent.bin"), HasSubstr("absent.bin: No such file"));
}

TEST(Checkpoint, AWrongRequestNamesBothSides) {
  const TestFolder folder;
  write_sample(folder / "a.bin");
  CheckpointReader reader(folder / "a.bin");
  std::vector<float> six(6);
  const auto message = [](auto&& call) {
    try {
      call();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(message([&] {
                reader.read("fc0.weight", {3, 2}, std::span<float>(six));
              }),
              HasSubstr("\"fc0.weight\" is F32 [2,3], wanted F32 [3,2]"));
  EXPECT_THAT(message([&] { reader.read("counts", {2}, std::span<float>(six).first(2)); }),
              HasSubstr("\"counts\" is I64 [2], wanted F32 [2]"));
  EXPECT_THAT(message([&] {
                reader.read("fc0.weigth", {2, 3}, std::span<float>(six));
              }),
              HasSubstr("did you mean \"fc0.weight\"?"));
  EXPECT_THAT(message([&] {
                reader.read("fc0.weight", {2, 3}, std::span<float>(six).first(5));
              }),
              HasSubstr("room of 20 bytes"));
  EXPECT_THAT(message([&] { reader.get("score"); }), HasSubstr("its metadata lack \"score\""));
  EXPECT_THAT(message([&] { reader.get_int("agent"); }), HasSubstr("is \"dqn-mlp\", wanted a whole number"));
  CheckpointWriter writer;
  EXPECT_THAT(message([&] { writer.set("sinv.crc32", "1"); }), HasSubstr("is taken by the file's own checksum"));
  EXPECT_THAT(message([&] { writer.add("a", {4}, std::span<const float>(six)); }),
              HasSubstr("\"a\" has shape [4] of F32, but 24 bytes"));
  writer.add("a", {6}, std::span<const float>(six));
  EXPECT_THAT(message([&] { writer.add("a", {6}, std::span<const float>(six)); }), HasSubstr("\"a\" is there already"));
  EXPECT_THAT(message([&] { writer.write(folder / "no" / "such" / "folder"); }), HasSubstr("No such file"));
}

TEST(Checkpoint, AFailedWriteLeavesTheOldFile) {
  const TestFolder folder;
  write_sample(folder / "a.bin");
  const std::vector<std::byte> before = read_file(folder / "a.bin");
  CheckpointWriter writer;
  writer.set("agent", "other");
  std::filesystem::create_directory(folder / "b.bin");
  EXPECT_THROW(writer.write(folder / "b.bin"), UserError);
  EXPECT_EQ(read_file(folder / "a.bin"), before);
}

}  // namespace
}  // namespace sinv
