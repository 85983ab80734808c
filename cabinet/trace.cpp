#include "cabinet/trace.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <span>

#include "base/error.h"
#include "base/file.h"

namespace sinv {

namespace {

constexpr std::uint64_t kMaskEnd = 64;

constexpr bool is_space(char letter) { return letter == ' ' || letter == '\t' || letter == '\r'; }

/// Takes the next word off `line`; empty at its end.
std::string_view take_word(std::string_view& line) {
  while (!line.empty() && is_space(line.front())) line.remove_prefix(1);
  std::size_t length = 0;
  while (length < line.size() && !is_space(line[length])) ++length;
  const std::string_view word = line.substr(0, length);
  line.remove_prefix(length);
  return word;
}

bool to_number(std::string_view word, std::uint64_t& number) {
  const bool is_hex = word.starts_with("0x") || word.starts_with("0X");
  if (is_hex) word.remove_prefix(2);
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number, is_hex ? 16 : 10);
  return error == std::errc() && end == word.data() + word.size() && !word.empty();
}

}  // namespace

std::vector<InputChange> parse_inputs(std::string_view letters, const std::string& name) {
  std::vector<InputChange> changes;
  int number = 0;
  while (!letters.empty()) {
    ++number;
    std::string_view line = letters.substr(0, letters.find('\n'));
    letters.remove_prefix(std::min(letters.size(), line.size() + 1));
    line = line.substr(0, line.find('#'));
    const auto fail = [&](const std::string& found) {
      throw UserError(text(name, ", line ", number, ": ", found,
                           "; wanted: a frame number and a mask of 0 to 63, for example \"120 0x04\""));
    };
    const std::string_view frame_word = take_word(line);
    if (frame_word.empty()) continue;
    const std::string_view mask_word = take_word(line);
    const std::string_view rest = take_word(line);
    std::uint64_t frame = 0;
    std::uint64_t mask = 0;
    if (!to_number(frame_word, frame)) fail(text("\"", frame_word, "\" is not a frame number"));
    if (mask_word.empty()) fail("the mask is missing");
    if (!to_number(mask_word, mask)) fail(text("\"", mask_word, "\" is not a mask"));
    if (mask >= kMaskEnd) fail(text("mask ", mask_word, " has bits that are no button"));
    if (!rest.empty()) fail(text("\"", rest, "\" is too much"));
    if (!changes.empty() && frame <= changes.back().frame) {
      fail(text("frame ", frame, " does not come after frame ", changes.back().frame));
    }
    changes.push_back({frame, static_cast<std::uint8_t>(mask)});
  }
  return changes;
}

void trace_frames(Machine& machine, const std::vector<InputChange>& inputs, std::uint64_t frames, std::ostream& out) {
  std::uint8_t mask = 0;
  std::size_t next = 0;
  for (std::uint64_t i = 0; i < frames; ++i) {
    while (next < inputs.size() && inputs[next].frame <= machine.frame()) mask = inputs[next++].mask;
    machine.run(std::span(&mask, 1));
    const auto bytes = std::as_bytes(std::span(machine.ram()));
    char line[64];
    std::snprintf(line, sizeof line, "%llu %08x %08x\n", static_cast<unsigned long long>(machine.frame()),
                  crc32(bytes.first(kWorkRamBytes)), crc32(bytes.subspan(kWorkRamBytes)));
    out << line;
  }
}

}  // namespace sinv
