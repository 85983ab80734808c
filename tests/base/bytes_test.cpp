#include "base/bytes.h"

#include <gtest/gtest.h>

namespace sinv {
namespace {

TEST(Bytes, ComeBackInOrder) {
  ByteWriter writer;
  writer.put(std::uint16_t{513});
  writer.put_text("rack");
  const std::vector<float> values{1.5F, -2.0F};
  writer.put_all(std::span<const float>(values));
  ByteReader reader(writer.bytes(), "test");
  EXPECT_EQ(reader.get<std::uint16_t>(), 513);
  EXPECT_EQ(reader.get_text(), "rack");
  EXPECT_EQ(reader.get_vector<float>(), values);
  EXPECT_EQ(reader.left(), 0U);
}

template <class Fn>
std::string refusal(Fn&& fn) {
  try {
    fn();
  } catch (const UserError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Bytes, AnEarlyEndIsRefused) {
  ByteWriter writer;
  writer.put(std::uint64_t{1'000'000'000'000});  // a count that no memory holds
  EXPECT_EQ(refusal([&] { ByteReader(writer.bytes(), "replay").get_vector<float>(); }),
            "replay: ends early; the file is damaged");
  EXPECT_EQ(refusal([&] { ByteReader({}, "replay").get<int>(); }), "replay: ends early; the file is damaged");
}

TEST(Bytes, AnotherCountIsRefused) {
  ByteWriter writer;
  const std::vector<float> values{1, 2, 3};
  writer.put_all(std::span<const float>(values));
  std::vector<float> two(2);
  EXPECT_EQ(refusal([&] { ByteReader(writer.bytes(), "tree").get_all(std::span(two)); }),
            "tree: holds 3 values where 2 are wanted");
}

}  // namespace
}  // namespace sinv
