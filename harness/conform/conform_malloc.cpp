// churn-conform-malloc: is the malloc of this process a correct one? Preload a library to ask about
// it:
//     LD_PRELOAD=./libmine.so churn-conform-malloc
// One process per property, so that one crash costs one row. Exit status: 0 all hold, 1 some do
// not, 2 usage, or another malloc than --expect says. It calls itself with --property NAME for a
// single one.
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "harness/conform/malloc_properties.hpp"

namespace churn::conform {

void fail(char const* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  int const length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  size_t const bytes = length < 0 ? 0 : std::min(static_cast<size_t>(length), sizeof text - 1);
  if (write(STDOUT_FILENO, text, bytes) < 0) _exit(1);  // the status says enough
  _exit(1);
}

namespace {

constexpr unsigned time_limit_seconds = 60;

std::vector<Property> all_properties() {
  std::vector<Property> all;
  for (auto const list : {block_properties(), thread_properties(), process_properties()}) {
    all.insert(all.end(), list.begin(), list.end());
  }
  return all;
}

// Runs one property in this process.
int check(std::string_view name) {
  for (auto const& property : all_properties()) {
    if (property.name != name) continue;
    alarm(time_limit_seconds);
    property.check(process_malloc());
    return 0;
  }
  fprintf(stderr, "churn-conform-malloc: there is no property %s; see --list\n",
          std::string(name).c_str());
  return 2;
}

std::string ending(int status) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
    return "hung for " + std::to_string(time_limit_seconds) + " s";
  }
  if (WIFSIGNALED(status)) return std::string("crashed: ") + strsignal(WTERMSIG(status));
  return "ended with status " + std::to_string(WEXITSTATUS(status));
}

// Empty if the property holds in a process of its own; else why not.
std::string why_not(char const* program, char const* name) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return std::string("pipe: ") + strerror(errno);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::string option = "--property", value = name, self = program;
  char* const arguments[] = {self.data(), option.data(), value.data(), nullptr};
  pid_t child = 0;
  int const error = posix_spawn(&child, "/proc/self/exe", &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string said;
  char part[512];
  for (ssize_t bytes; error == 0 && (bytes = read(ends[0], part, sizeof part)) > 0;) {
    said.append(part, static_cast<size_t>(bytes));
  }
  close(ends[0]);
  if (error != 0) return std::string("cannot start: ") + strerror(error);
  int status = 0;
  waitpid(child, &status, 0);
  if (status == 0) return {};
  return said.empty() ? ending(status) : said;
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (char const letter : text) {
    char escaped[8];
    if (letter == '"' || letter == '\\') {
      result += '\\';
      result += letter;
    } else if (static_cast<unsigned char>(letter) < 0x20) {
      snprintf(escaped, sizeof escaped, "\\u%04x", letter);
      result += escaped;
    } else {
      result += letter;
    }
  }
  return result + '"';
}

// The file that malloc comes from: that a library was named in LD_PRELOAD proves nothing.
std::string file_of_malloc() {
  Dl_info info{};
  void* const address = dlsym(RTLD_DEFAULT, "malloc");
  return dladdr(address, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : "unknown";
}

// By device and inode: a preload goes through a link. Empty: any.
bool is_file(std::string const& file, std::string const& expected) {
  struct stat one{}, other{};
  return expected.empty() ||
         (stat(file.c_str(), &one) == 0 && stat(expected.c_str(), &other) == 0 &&
          one.st_dev == other.st_dev && one.st_ino == other.st_ino);
}

int check_all(char const* program, std::string const& expected, bool json) {
  std::string file = file_of_malloc();
  if (!is_file(file, expected)) {
    fprintf(stderr, "churn-conform-malloc: malloc is that of %s, not of %s\n", file.c_str(),
            expected.c_str());
    return 2;
  }
  if (!expected.empty()) file = expected;
  int failed = 0;
  if (json) printf("{\"malloc\": %s, \"properties\": [", quoted(file).c_str());
  if (!json) printf("malloc of %s\n", file.c_str());
  char const* between = "";
  for (auto const& property : all_properties()) {
    std::string const reason = why_not(program, property.name);
    failed += reason.empty() ? 0 : 1;
    if (json) {
      printf("%s\n  {\"name\": %s, \"promise\": %s, \"holds\": %s, \"reason\": %s}", between,
             quoted(property.name).c_str(), quoted(property.promise).c_str(),
             reason.empty() ? "true" : "false", quoted(reason).c_str());
    } else {
      printf("  %-4s  %-18s  %s\n", reason.empty() ? "ok" : "FAIL", property.name,
             reason.empty() ? property.promise : reason.c_str());
    }
    between = ",";
    fflush(stdout);
  }
  if (json) printf("\n], \"failed\": %d}\n", failed);
  if (!json && failed == 0) printf("a correct malloc, as far as these properties go\n");
  if (!json && failed != 0)
    printf("NOT a correct malloc: %d of the properties do not hold\n", failed);
  return failed == 0 ? 0 : 1;
}

int run(std::vector<std::string_view> const& arguments, char const* program) {
  bool const json = !arguments.empty() && arguments[0] == "--json";
  auto const rest = std::vector(arguments.begin() + (json ? 1 : 0), arguments.end());
  if (rest.empty()) return check_all(program, "", json);
  if (rest.size() == 2 && rest[0] == "--expect") {
    return check_all(program, std::string(rest[1]), json);
  }
  if (arguments.size() == 2 && arguments[0] == "--property") return check(arguments[1]);
  if (arguments.size() == 1 && arguments[0] == "--list") {
    for (auto const& each : all_properties()) printf("%-18s  %s\n", each.name, each.promise);
    return 0;
  }
  bool const asked = arguments.size() == 1 && arguments[0] == "--help";
  fprintf(asked ? stdout : stderr,
          "usage: [LD_PRELOAD=LIBRARY] churn-conform-malloc [--json] [--expect LIBRARY]\n"
          "       churn-conform-malloc --list | --property NAME\n"
          "Checks that the malloc of this process is a correct one; exit status 1 if it is not.\n");
  return asked ? 0 : 2;
}

}  // namespace
}  // namespace churn::conform

int main(int argc, char** argv) {
  return churn::conform::run({argv + 1, argv + argc}, argc > 0 ? argv[0] : "churn-conform-malloc");
}
