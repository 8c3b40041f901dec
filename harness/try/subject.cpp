#include "harness/try/subject.hpp"

#include <string.h>

#include <charconv>

#include "allocators/catalogue.hpp"
#include "harness/core/error.hpp"
#include "harness/trace/record.hpp"
#include "harness/try/own_figure.hpp"

namespace churn::trial {

void check(Subject& subject) {
  if (subject.command.empty()) {
    throw UserError("there is no command; it stands behind --, as in churn try -- python3 x.py");
  }
  if (subject.load.empty() != subject.ready.empty()) {
    throw UserError(
        "--ready and --load go together: one says when the server can be asked, the other asks");
  }
  subject.program = trace::find_program(subject.command.front());
  if (std::string const why = trace::why_not_preloadable(subject.program); !why.empty()) {
    throw UserError(subject.program + " " + why + ", so no allocator can be preloaded into it");
  }
  if (allocators::shows_malloc(subject.program)) {
    throw UserError(subject.program +
                    " has a malloc of its own inside, which goes before whatever is preloaded");
  }
  if (!subject.metric.empty()) OwnFigure const valid(subject.metric);
}

int parse_signal(std::string const& text) {
  int number = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  bool const is_number = error == std::errc() && end == text.data() + text.size();
  std::string const name = text.starts_with("SIG") ? text.substr(3) : text;
  for (int signal = 1; signal < NSIG; ++signal) {
    char const* const abbreviation = sigabbrev_np(signal);
    if (is_number ? number == signal : abbreviation != nullptr && name == abbreviation) {
      return signal;
    }
  }
  throw UserError("--stop " + text + " is no signal; TERM, INT and QUIT are some");
}

}  // namespace churn::trial
