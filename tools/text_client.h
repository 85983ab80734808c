#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/deflate.h"
#include "bridge/loop.h"
#include "bridge/mame/process.h"

namespace sinv {

class Machines;  // tools/machine_choice.h

/// A client of the protocol of lines (docs/formats.md) as the replaced system was one: MAME without its fast switches,
/// batches of text over TCP, answers squeezed. For measuring what the engine's own protocol gains.
/// Thread: one owner.
class TextClient {
 public:
  /// Starts MAME and waits until its plugin has connected. Errors: UserError when that fails.
  explicit TextClient(const Machines& machines);
  ~TextClient();
  TextClient(const TextClient&) = delete;
  TextClient& operator=(const TextClient&) = delete;

  /// Sends the lines as one batch and gives back the lines of the answer, one for each.
  /// Errors: UserError when MAME is gone, says nothing for 30 s, or answers with another number of lines or an ERR.
  const std::vector<std::string>& batch(std::span<const std::string> lines);

 private:
  [[noreturn]] void fail(const std::string& what) const;

  Loop loop_;
  std::shared_ptr<mame::Process> process_;
  int socket_ = -1;
  Inflater inflater_;
  std::string sent_;
  std::vector<std::byte> received_;
  std::vector<std::string> answer_;
};

}  // namespace sinv
