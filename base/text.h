#pragma once

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace sinv {

/// The values one after another, as operator<< writes them. For messages, not for hot loops.
template <class... Values>
std::string text(const Values&... values) {
  std::ostringstream out;
  (out << ... << values);
  return out.str();
}

/// "a, b, c".
std::string join(const std::vector<std::string>& words, std::string_view separator = ", ");

/// The known word nearest to `word` by edit distance, or "" when none is near (more than a third of the letters
/// differ).
std::string nearest(std::string_view word, const std::vector<std::string>& known);

/// One sentence for a wrong name: `agent "dqn" is not known; known: dqn-mlp, dqn-cnn; did you mean "dqn-mlp"?`
std::string unknown_name(std::string_view what, std::string_view word, const std::vector<std::string>& known);

}  // namespace sinv
