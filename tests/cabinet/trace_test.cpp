#include "cabinet/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "tests/cabinet/program.h"

namespace sinv {
namespace {

using testing::HasSubstr;

std::string error_of(std::string_view letters) {
  try {
    parse_inputs(letters, "in.txt");
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Inputs, LinesCommentsAndBothNumberFormsAreRead) {
  const auto changes = parse_inputs("# start\n0 1\n\n  10\t0x3F # all\r\n0x20 0", "in.txt");
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(changes[0].frame, 0U);
  EXPECT_EQ(changes[0].mask, 1);
  EXPECT_EQ(changes[1].frame, 10U);
  EXPECT_EQ(changes[1].mask, 63);
  EXPECT_EQ(changes[2].frame, 32U);
  EXPECT_TRUE(parse_inputs("", "in.txt").empty());
}

TEST(Inputs, AMalformedLineIsNamedByItsNumber) {
  EXPECT_THAT(error_of("0 1\n5\n"), HasSubstr("in.txt, line 2: the mask is missing"));
  EXPECT_THAT(error_of("\n\nx 1"), HasSubstr("line 3: \"x\" is not a frame number"));
  EXPECT_THAT(error_of("-1 1"), HasSubstr("line 1: \"-1\" is not a frame number"));
  EXPECT_THAT(error_of("1 fire"), HasSubstr("\"fire\" is not a mask"));
  EXPECT_THAT(error_of("1 0x"), HasSubstr("is not a mask"));
  EXPECT_THAT(error_of("1 64"), HasSubstr("mask 64 has bits that are no button"));
  EXPECT_THAT(error_of("1 2 3"), HasSubstr("\"3\" is too much"));
  EXPECT_THAT(error_of("5 1\n5 2"), HasSubstr("line 2: frame 5 does not come after frame 5"));
  EXPECT_THAT(error_of("99999999999999999999 1"), HasSubstr("is not a frame number"));
}

TEST(Trace, ALinePerFrameHasTheChecksumsOfBothParts) {
  // IN 1 goes to $2000 and $2400 again and again.
  const Rom rom = Program().at(0, {0xDB, 1, 0x32, 0x00, 0x20, 0x32, 0x00, 0x24, 0xC3, 0x00, 0x00}).rom();
  Cabinet cabinet(rom);
  std::ostringstream out;
  trace_frames(cabinet, {{1, kFire}, {2, 0}}, 3, out);
  std::string wanted;
  for (int frame = 1; frame <= 3; ++frame) {
    Ram ram{};
    ram[0] = ram[0x400] = frame == 2 ? 0x19 : 0x09;
    const auto bytes = std::as_bytes(std::span(ram));
    char line[64];
    std::snprintf(line, sizeof line, "%d %08x %08x\n", frame, crc32(bytes.first(0x400)), crc32(bytes.subspan(0x400)));
    wanted += line;
  }
  EXPECT_EQ(out.str(), wanted);
}

}  // namespace
}  // namespace sinv
