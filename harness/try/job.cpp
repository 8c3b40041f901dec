#include "harness/try/job.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "harness/core/clock.hpp"
#include "harness/run/supervise.hpp"

namespace churn::trial {
namespace {

constexpr std::size_t most_lines = 5, longest_shown_bytes = 200;
// At a time, so that one that never stops talking does not keep the others waiting.
constexpr std::size_t most_words_at_once = std::size_t{1} << 20;

}  // namespace

Job::Job(run::Launch const& launch, std::string const& metric)
    : started_ns_(now_ns()), child_(run::spawn(launch)) {
  child_.record.close();
  if (!metric.empty()) figure_.emplace(metric);
}

run::Launch Job::shell(std::string const& line, std::vector<std::string> environment) {
  run::Launch launch;
  launch.program = "/bin/sh";
  launch.arguments = {"sh", "-c", line};
  launch.environment = std::move(environment);
  launch.exchange = false;
  return launch;
}

void Job::read_words() {
  char buffer[65536];
  std::size_t taken = 0;
  while (child_.words && taken < most_words_at_once) {
    ssize_t const got = read(child_.words.number(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return child_.words.close();
    auto const length = static_cast<std::size_t>(got);
    taken += length;
    if (figure_) figure_->take({buffer, length});
    words_.append(buffer, length);
    if (words_.size() > run::words_kept_bytes) {
      words_.erase(0, words_.size() - run::words_kept_bytes);
    }
  }
}

void Job::end(int status, rusage const& usage, std::uint64_t at_ns) {
  ended_ = true;
  status_ = status;
  usage_ = usage;
  ended_ns_ = at_ns;
  read_words();
}

bool Job::well() const noexcept { return WIFEXITED(status_) && WEXITSTATUS(status_) == 0; }

std::optional<double> Job::own_figure() { return figure_ ? figure_->found() : std::nullopt; }

std::string Job::how() const {
  if (WIFSIGNALED(status_)) return "was killed by " + run::spelled_signal(WTERMSIG(status_));
  return "ended with exit status " + std::to_string(WEXITSTATUS(status_));
}

std::string Job::last_lines() const {
  std::vector<std::string> lines;
  std::string_view rest = words_;
  while (!rest.empty() && lines.size() < most_lines) {
    std::size_t const at = rest.find_last_of('\n');
    std::string_view const line = at == std::string_view::npos ? rest : rest.substr(at + 1);
    rest = rest.substr(0, at == std::string_view::npos ? 0 : at);
    if (!line.empty()) lines.emplace_back(line.substr(0, longest_shown_bytes));
  }
  std::string text;
  for (auto each = lines.rbegin(); each != lines.rend(); ++each) text += '\n' + *each;
  return text;
}

}  // namespace churn::trial
