#pragma once

#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace sinv::mame {

/// tests/golden/mame_protocol.txt: frames by name.
inline const std::map<std::string, std::vector<std::byte>>& golden_frames() {
  static const auto all = [] {
    std::map<std::string, std::vector<std::byte>> frames;
    std::ifstream file(SINV_SOURCE_DIR "/tests/golden/mame_protocol.txt");
    std::string name;
    std::string digits;
    while (file >> name >> digits) {
      std::vector<std::byte>& frame = frames[name];
      for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        frame.push_back(static_cast<std::byte>(std::strtoul(digits.substr(i, 2).c_str(), nullptr, 16)));
      }
    }
    return frames;
  }();
  return all;
}

}  // namespace sinv::mame
