// A program that is started as MAME is and behaves as the environment says: SINV_FAKE (see FakeSettings::how, or
// "exits"), SINV_FAKE_AFTER (steps). With SINV_FAKE_ONCE, a path, only the first one behaves so; the others work.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include "tests/bridge/fake_plugin.h"

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

int main(int count, char** words) {
  for (int i = 1; i < count; ++i) std::printf("argument %s\n", words[i]);
  std::printf("home %s\n\nALSA lib confmisc.c:855: no sound cards\n", variable("HOME").c_str());
  static_cast<void>(std::fflush(stdout));
  std::string how = variable("SINV_FAKE");
  const std::string once = variable("SINV_FAKE_ONCE");
  if (!once.empty()) {
    const int first = ::open(once.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (first < 0) how = "works";
  }
  if (how == "exits") {
    for (int i = 0; i < 20; ++i) std::printf("trouble %d\n", i);
    return 3;
  }
  if (how == "stubborn") static_cast<void>(std::signal(SIGTERM, SIG_IGN));
  const std::string after = variable("SINV_FAKE_AFTER");
  try {
    return sinv::mame::run_fake_plugin({.address = variable("SINV_MAME_ADDRESS"),
                                        .instance = variable("SINV_MAME_INSTANCE"),
                                        .token = how == "wrong_token" ? "guess" : variable("SINV_MAME_TOKEN"),
                                        .doorbell = variable("SINV_MAME_DOORBELL"),
                                        .how = how.empty() ? "works" : how,
                                        .after = after.empty() ? 0 : std::stoi(after)});
  } catch (const std::exception& error) {
    static_cast<void>(std::fprintf(stderr, "fake mame: %s\n", error.what()));
    return 5;
  }
}
