// training_to_kill FOLDER FRAMES AGENT: the process that the tests of Kill start and kill. Its exit status says how it
// ended.
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fmt/core.h>
#include <unistd.h>

#include "tests/rl/saving_trainer.h"

int main(int count, char** words) {
  using namespace sinv;
  if (count != 4) return 2;
  try {
    const std::filesystem::path folder = words[1];
    JsonLinesFile metrics(folder / "metrics.jsonl");
    Trainer trainer(saving_always(std::atoll(words[2])), parts_in(folder, &metrics, 2, words[3]));
    if (std::filesystem::exists(Trainer::state_path(folder))) trainer.resume();
    const char ready = 'r';
    if (::write(kReadyDescriptor, &ready, 1) != 1) return 3;
    trainer.run(kNoStop);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
