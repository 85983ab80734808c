#pragma once

#include <array>
#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace sinv {

/// How a run of the program ended.
struct Ended {
  int status = -1;
  std::string said;  // standard output and error
};

/// Runs the program with these words: a process with both outputs in one pipe. `until`: its first output that holds
/// this makes it get SIGINT.
inline Ended run(std::vector<std::string> words, const std::string& until = "") {
  words.insert(words.begin(), SINV_PROGRAM);
  std::vector<char*> letters;
  for (std::string& word : words) letters.push_back(word.data());
  letters.push_back(nullptr);
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    ::execv(letters[0], letters.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  Ended ended;
  bool interrupted = until.empty();
  std::array<char, 4096> block;
  for (ssize_t got = 0; (got = ::read(ends[0], block.data(), block.size())) > 0;) {
    ended.said.append(block.data(), static_cast<std::size_t>(got));
    if (!interrupted && ended.said.find(until) != std::string::npos) {
      ::kill(child, SIGINT);
      interrupted = true;
    }
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  ended.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ended;
}

}  // namespace sinv
