#include "harness/core/check.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace churn {
namespace {

constexpr std::array<std::string_view, 7> outcome_names = {
    "ok", "wrong-answer", "out-of-memory", "timed-out", "crashed", "unproved", "not-applicable",
};
constexpr int stop_exit_status = 70;  // EX_SOFTWARE

StopHook stop_hook = nullptr;
char check_context[256] = "";
std::atomic_flag stopping = ATOMIC_FLAG_INIT;

void print(char const* text, int length) noexcept {
  if (length <= 0) return;
  if (write(STDERR_FILENO, text, static_cast<std::size_t>(length)) < 0) return;  // nothing to do
}

}  // namespace

std::string_view name_of(Outcome outcome) noexcept {
  return outcome_names[static_cast<std::size_t>(outcome)];
}

bool parse_outcome(std::string_view text, Outcome& outcome) noexcept {
  for (std::size_t i = 0; i < outcome_names.size(); ++i) {
    if (outcome_names[i] != text) continue;
    outcome = static_cast<Outcome>(i);
    return true;
  }
  outcome = Outcome::crashed;
  return false;
}

void stop(Outcome outcome, char const* format, ...) noexcept {
  // A second thread that stops waits for the first one's record: the process is about to end.
  if (stopping.test_and_set(std::memory_order_acq_rel)) {
    for (;;) pause();
  }
  char reason[1024];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  if (stop_hook != nullptr) stop_hook(outcome, reason);
  char line[1280];
  int const length =
      std::snprintf(line, sizeof line, "churn: %s: %s\n", name_of(outcome).data(), reason);
  print(line, length < static_cast<int>(sizeof line) ? length : static_cast<int>(sizeof line) - 1);
  _exit(stop_exit_status);
}

void set_stop_hook(StopHook hook) noexcept { stop_hook = hook; }

void set_check_context(std::string_view text) noexcept {
  std::size_t const length =
      text.size() < sizeof check_context ? text.size() : sizeof check_context - 1;
  std::memcpy(check_context, text.data(), length);
  check_context[length] = '\0';
}

void check_failed(char const* kind, char const* condition, char const* file, int line) noexcept {
  char text[1024];
  int const length =
      std::snprintf(text, sizeof text, "churn: %s failed: %s, at %s:%d%s%s\n", kind, condition,
                    file, line, check_context[0] ? ", in " : "", check_context);
  print(text, length < static_cast<int>(sizeof text) ? length : static_cast<int>(sizeof text) - 1);
  std::abort();
}

}  // namespace churn
