// `churn conform`: is this allocator a correct malloc at all?
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "harness/cli/commands.hpp"
#include "harness/cli/here.hpp"
#include "harness/cli/output.hpp"
#include "harness/core/error.hpp"
#include "harness/run/descriptor.hpp"
#include "harness/run/environment.hpp"
#include "harness/run/names.hpp"
#include "harness/run/private_directory.hpp"
#include "results/report/text.hpp"

namespace churn::cli {
namespace {

// churn-conform-malloc on one allocator; its standard output comes back line by line.
class Asking {
 public:
  // `library` is what its malloc has to come from; empty: whatever it finds.
  Asking(std::string const& program, std::vector<std::string> environment,
         std::string const& library, bool json) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) fail("make a pipe", errno);
    lines_ = fdopen(ends[0], "r");
    run::Descriptor const write_end(ends[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::vector<std::string> words{program};
    if (json) words.emplace_back("--json");
    if (!library.empty()) words.insert(words.end(), {"--expect", library});
    int const error = posix_spawn(&child_, program.c_str(), &actions, nullptr,
                                  pointers_to(words).data(), pointers_to(environment).data());
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) fail("start " + program, error);
  }
  Asking(Asking const&) = delete;
  Asking& operator=(Asking const&) = delete;
  ~Asking() { std::fclose(lines_); }

  // False at the end.
  bool next(std::string& line) {
    line.clear();
    for (int letter; (letter = std::fgetc(lines_)) != EOF;) {
      if (letter == '\n') return true;
      line += static_cast<char>(letter);
    }
    return !line.empty();
  }
  // pre: the end was reached
  int status() const {
    int status = 0;
    while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  static std::vector<char*> pointers_to(std::vector<std::string>& words) {
    std::vector<char*> result;
    for (auto& each : words) result.push_back(each.data());
    result.push_back(nullptr);
    return result;
  }
  [[noreturn]] static void fail(std::string const& what, int error) {
    throw UserError("cannot " + what + ": " + std::strerror(error));
  }
  FILE* lines_ = nullptr;
  pid_t child_ = -1;
};

// "  FAIL  NAME  reason": the name, else nothing.
std::string failed_property(std::string const& line) {
  static constexpr std::string_view mark = "  FAIL  ";
  if (!line.starts_with(mark)) return {};
  return line.substr(mark.size(), line.find(' ', mark.size()) - mark.size());
}

// Why this property is known not to hold. Nothing: it is not known.
std::string known_reason(allocators::AllocatorInfo const& info, std::string const& property) {
  if (property == "reuse" && !info.reuses) return "never reuses memory, and says so";
  auto const found = info.known_failures.find(property);
  return found == info.known_failures.end() ? "" : found->second;
}

// A row, its last column wrapped.
std::string fitted(std::string const& line, std::size_t indent, std::size_t width) {
  if (line.size() <= width || !line.starts_with("  ") || line.size() < indent) return line + "\n";
  std::string text = line.substr(0, indent);
  for (auto const& part : report::wrapped(line.substr(indent), width - indent)) {
    text += (text.size() == indent ? "" : std::string(indent, ' ')) + part + "\n";
  }
  return text;
}

// What `asking` says, with what is known of it beside.
std::string annotated(Asking& asking, allocators::AllocatorInfo const& info, std::size_t width) {
  static constexpr std::size_t indent = 28;  // of the reasons
  std::string text, line;
  std::size_t known = 0;
  while (asking.next(line)) {
    text += fitted(report::visible(line), indent, width);
    std::string const reason = known_reason(info, failed_property(line));
    if (reason.empty()) continue;
    ++known;
    for (auto const& part : report::wrapped("known: " + reason, width - indent)) {
      text += std::string(indent, ' ') + part + "\n";
    }
  }
  if (known != 0) text += std::to_string(known) + " of them known of Debian's version\n";
  return text;
}

}  // namespace

int conform(ConformOptions const& options) {
  Here const here;
  store::Named const named = run::parse_name(options.allocator);
  auto const resolved = here.catalogue().resolve(named.name, named.settings);
  run::PrivateDirectory directory;
  Asking asking(
      here.installation().conform_malloc,
      run::cell_environment(resolved.environment, directory.link_to(resolved.info.library)),
      resolved.info.library, options.json);
  std::string text;
  if (options.json) {
    for (std::string line; asking.next(line);) text += line + "\n";
  } else {
    text = annotated(asking, resolved.info, style_of_stdout().width);
  }
  int const status = asking.status();
  if (status != 0 && status != 1) {
    throw UserError(options.allocator +
                    " could not be asked: churn-conform-malloc ended with status " +
                    std::to_string(status));
  }
  write_output("", text);
  return status == 0 ? fine : answer_is_no;
}

}  // namespace churn::cli
