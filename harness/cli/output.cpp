#include "harness/cli/output.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>

#include "harness/core/error.hpp"

namespace churn::cli {
namespace {

[[noreturn]] void fail(std::string const& where) {
  std::string const why = errno == 0 ? "" : std::string(": ") + std::strerror(errno);
  throw UserError("cannot write to " + where + why);
}

// As the C library decides it: the first that is set, of these three.
bool is_utf8() {
  for (char const* const name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    char const* const value = std::getenv(name);
    if (value == nullptr || value[0] == '\0') continue;
    std::string_view const locale = value;
    return locale.find("UTF-8") != locale.npos || locale.find("utf8") != locale.npos;
  }
  return false;
}

}  // namespace

report::TerminalStyle style_of_stdout() {
  report::TerminalStyle style;
  style.utf8 = is_utf8();
  if (isatty(STDOUT_FILENO) == 0) return style;
  char const* const no_color = std::getenv("NO_COLOR");
  style.color = no_color == nullptr || no_color[0] == '\0';
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40) style.width = size.ws_col;
  return style;
}

std::string duration_text(double seconds) {
  char text[32];
  if (seconds < 120) {
    std::snprintf(text, sizeof text, "%.0f s", seconds);
  } else {
    std::snprintf(text, sizeof text, "%.0f min", seconds / 60);
  }
  return text;
}

void require_format(std::string_view names, std::string const& format) {
  for (std::string_view rest = names; !rest.empty();) {
    std::size_t const comma = std::min(rest.find(", "), rest.size());
    if (rest.substr(0, comma) == format) return;
    rest.remove_prefix(std::min(comma + 2, rest.size()));
  }
  throw UserError("there is no format \"" + format + "\"; there are " + std::string(names));
}

void write_output(std::string const& path, std::function<void(std::ostream&)> const& write) {
  errno = 0;
  if (path.empty()) {
    write(std::cout);
    if (!std::cout.flush()) fail("stdout");
    return;
  }
  std::string const part = path + ".part";
  try {
    std::ofstream file(part, std::ios::binary | std::ios::trunc);
    if (!file) fail(path);
    write(file);
    file.close();
    if (!file || std::rename(part.c_str(), path.c_str()) != 0) fail(path);
  } catch (...) {
    unlink(part.c_str());
    throw;
  }
}

void write_output(std::string const& path, std::string_view text) {
  write_output(path, [&](std::ostream& out) { out << text; });
}

}  // namespace churn::cli
