#include "harness/gate/tool.hpp"

#include <unistd.h>

#include "harness/core/clock.hpp"
#include "harness/run/spawn.hpp"
#include "harness/run/supervise.hpp"

namespace churn::gate {

std::string shell_word(std::string const& word) {
  std::string text = "'";
  for (char const letter : word)
    text += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
  return text + "'";
}

std::vector<std::string> split_line(std::string const& line) {
  std::vector<std::string> words;
  std::string word;
  bool inside = false;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    char const letter = line[i];
    bool const escapes = letter == '\\' && quote != '\'' && i + 1 < line.size();
    if (escapes) {
      word += line[++i];
      inside = true;
    } else if (quote != 0) {
      if (letter == quote) {
        quote = 0;
      } else {
        word += letter;
      }
    } else if (letter == '\'' || letter == '"') {
      quote = letter;
      inside = true;
    } else if (letter == ' ' || letter == '\n' || letter == '\t') {
      if (inside) words.push_back(std::exchange(word, {}));
      inside = false;
    } else {
      word += letter;
      inside = true;
    }
  }
  if (inside) words.push_back(word);
  return words;
}

ToolAnswer run_tool(std::string const& line, std::string const& directory, double limit_seconds,
                    run::Interrupt& interrupt) {
  run::Launch launch;
  launch.program = "/bin/sh";
  std::string const there = directory.empty() ? "" : "cd " + shell_word(directory) + " && ";
  launch.arguments = {"sh", "-c", there + line};
  for (char** each = environ; *each != nullptr; ++each) launch.environment.emplace_back(*each);
  run::Limits const limits{0, static_cast<std::uint64_t>(limit_seconds * 1e9)};
  run::Ended const ended = run::supervise(run::spawn(launch), now_ns(), limits, interrupt);
  ToolAnswer answer;
  answer.words = ended.words;
  using How = run::Ended::How;
  if (ended.how == How::interrupted) throw Interrupted();
  if (ended.how == How::exited && ended.status == 0) return answer;
  answer.failure = ended.how == How::out_of_time ? "it did not end in time"
                   : ended.how == How::exited
                       ? "it ended with exit status " + std::to_string(ended.status)
                       : "it was killed";
  std::string said = ended.words;
  while (!said.empty() && said.back() == '\n') said.pop_back();
  std::string const last = said.substr(said.find_last_of('\n') + 1);
  if (!last.empty()) answer.failure += ": " + last;
  return answer;
}

}  // namespace churn::gate
