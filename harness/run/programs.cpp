#include "harness/run/programs.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "harness/core/clock.hpp"
#include "harness/core/error.hpp"
#include "harness/core/protocol.hpp"
#include "harness/run/descriptor.hpp"

namespace churn::run {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t patience_ns = 10'000'000'000;
constexpr std::size_t most_words_bytes = std::size_t{1} << 20;

// A started `PROGRAM --describe`; ends the process if nobody waits for it.
class Describing {
 public:
  explicit Describing(std::string path, std::map<std::string, std::string> const& variables = {})
      : path_(std::move(path)) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) fail(std::string("no pipe: ") + std::strerror(errno));
    read_end_ = Descriptor(ends[0]);
    Descriptor const write_end(ends[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, write_end.number(), STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    std::string option(describe_option);
    char* arguments[] = {path_.data(), option.data(), nullptr};
    std::vector<std::string> assignments;
    for (auto const& [key, value] : variables) assignments.push_back(key + '=' + value);
    std::vector<char*> environment;
    for (auto& each : assignments) environment.push_back(each.data());
    environment.push_back(nullptr);
    int const error =
        posix_spawn(&child_, path_.c_str(), &actions, nullptr, arguments, environment.data());
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
      child_ = 0;
      fail(std::string("it cannot be started: ") + std::strerror(error));
    }
  }
  Describing(Describing&& other) noexcept
      : path_(std::move(other.path_)),
        read_end_(std::move(other.read_end_)),
        child_(std::exchange(other.child_, 0)) {}
  Describing& operator=(Describing&&) = delete;
  ~Describing() {
    if (child_ == 0) return;
    kill(child_, SIGKILL);
    wait();
  }

  ProgramDescription finish() {
    std::uint64_t const until_ns = now_ns() + patience_ns;
    std::string words;
    char buffer[16384];
    while (true) {
      await_words(until_ns);
      ssize_t const got = read(read_end_.number(), buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail(std::string("its words cannot be read: ") + std::strerror(errno));
      if (got == 0) break;
      words.append(buffer, static_cast<std::size_t>(got));
      if (words.size() > most_words_bytes) fail("it does not stop talking");
    }
    int const status = wait();
    if (WIFSIGNALED(status)) {
      fail("it was killed by signal " + std::to_string(WTERMSIG(status)));
    }
    if (WEXITSTATUS(status) != 0) {
      fail("it ended with exit status " + std::to_string(WEXITSTATUS(status)));
    }
    return parse_description(words, path_);
  }

 private:
  [[noreturn]] void fail(std::string const& what) const {
    throw UserError(path_ + " does not describe itself as a cell program: " + what);
  }

  void await_words(std::uint64_t until_ns) const {
    while (true) {
      std::uint64_t const now = now_ns();
      if (now >= until_ns) fail("no answer in 10 s");
      pollfd wait{read_end_.number(), POLLIN, 0};
      if (poll(&wait, 1, static_cast<int>((until_ns - now) / 1'000'000 + 1)) > 0) return;
    }
  }

  int wait() {
    int status = 0;
    while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    child_ = 0;
    return status;
  }

  std::string path_;
  Descriptor read_end_;
  pid_t child_ = 0;
};

std::vector<Parameter> parameters_of(Json const& list) {
  std::vector<Parameter> result;
  for (Json const& each : list) {
    result.push_back(
        {each.at("name").get<std::string>(), each.at("summary").get<std::string>(),
         each.at("standard").get<std::int64_t>(), each.at("minimum").get<std::int64_t>(),
         each.at("maximum").get<std::int64_t>(), each.value("words", std::vector<std::string>())});
  }
  return result;
}

WorkloadDescription workload_of(Json const& json) {
  WorkloadDescription result;
  result.name = json.at("name").get<std::string>();
  result.summary = json.at("summary").get<std::string>();
  result.source = json.at("source").get<std::string>();
  result.op = json.at("op").get<std::string>();
  result.parameters = parameters_of(json.at("parameters"));
  result.min_threads = json.at("min_threads").get<std::uint32_t>();
  result.max_threads = json.at("max_threads").get<std::uint32_t>();
  result.disposes = json.at("disposes").get<bool>();
  result.makes_cycles = json.at("makes_cycles").get<bool>();
  result.reads_file = json.value("reads_file", false);   // not in programs of before
  result.why_unranked = json.value("why_unranked", "");  // older programs do not say
  return result;
}

ProgramDescription description_of(Json const& json, std::string const& path) {
  ProgramDescription result;
  result.path = path;
  if (auto const spoken = json.at("protocol").get<std::uint32_t>(); spoken != protocol_version) {
    throw UserError(path + " speaks protocol " + std::to_string(spoken) + ", this churn speaks " +
                    std::to_string(protocol_version) + "; build both from the same sources");
  }
  result.extra_work = json.value("extra_work", std::vector<std::string>());
  result.modes = json.value("modes", std::vector<std::string>{"time", "count", "pilot"});
  if (Json const& collector = json.at("collector"); !collector.is_null()) {
    result.collector = collector.at("name").get<std::string>();
    result.summary = collector.at("summary").get<std::string>();
    result.traits = collector.at("traits").get<std::map<std::string, std::int64_t>>();
    result.parameters = parameters_of(collector.at("parameters"));
    result.varies_with = collector.value("varies_with", std::vector<std::string>());
  }
  for (Json const& each : json.at("workloads")) {
    result.workloads.push_back(workload_of(each));
    auto const why_not = each.at("why_not").get<std::string>();
    if (!why_not.empty()) result.not_applicable[result.workloads.back().name] = why_not;
    auto const no_split = each.value("why_no_split", std::string("the program knows no split"));
    if (!no_split.empty()) result.no_split[result.workloads.back().name] = no_split;
  }
  return result;
}

}  // namespace

ProgramDescription parse_description(std::string_view text, std::string const& path) {
  try {
    return description_of(Json::parse(text), path);
  } catch (Json::exception const& error) {
    throw UserError(path + " does not describe itself as a cell program: " + error.what());
  }
}

std::vector<ProgramDescription> describe_programs(std::string const& directory) {
  std::vector<std::string> paths;
  std::error_code error;
  for (auto each = std::filesystem::directory_iterator(directory, error);
       !error && each != std::filesystem::directory_iterator(); each.increment(error)) {
    // Directories of object files have such names too, in a build tree.
    bool const named = each->path().filename().string().starts_with("churn-cell-");
    if (named && each->is_regular_file() && access(each->path().c_str(), X_OK) == 0) {
      paths.push_back(each->path());
    }
  }
  if (error) throw UserError("cannot list " + directory + ": " + error.message());
  std::vector<Describing> running;
  for (auto const& path : paths) running.emplace_back(path);
  std::vector<ProgramDescription> result;
  for (auto& each : running) result.push_back(each.finish());
  std::sort(result.begin(), result.end(),
            [](auto const& a, auto const& b) { return a.collector < b.collector; });
  return result;
}

ProgramDescription describe_program(std::string const& path,
                                    std::map<std::string, std::string> const& environment) {
  return Describing(path, environment).finish();
}

}  // namespace churn::run
