// What:  the checks, and the one way in which a cell program stops because of an outcome.
// Why:   a programmer's error stops the program with its place; an outcome of the back end under
//        test (no memory, a wrong answer) becomes a row, never a time.
// Rule:  nothing here allocates: it must work when the allocator under test has just failed.
// Three prices: CHURN_CHECK is always on; CHURN_ASSERT costs a branch and is on unless NDEBUG;
//        CHURN_VERIFY walks a whole structure and is on in sanitizer builds and with
//        CHURN_VERIFYING=1.
#pragma once

#include <string_view>

#ifndef CHURN_VERIFYING
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CHURN_VERIFYING 1
#else
#define CHURN_VERIFYING 0
#endif
#endif

namespace churn {

// How an invocation ended. `ok` alone has times.
enum class Outcome {
  ok,
  wrong_answer,
  out_of_memory,
  timed_out,
  crashed,
  unproved,
  not_applicable,
};

// The spelling in records, stores and reports ("out-of-memory"). Never null.
std::string_view name_of(Outcome outcome) noexcept;
// pre: text is a spelling that name_of gives; anything else gives `crashed` and false.
bool parse_outcome(std::string_view text, Outcome& outcome) noexcept;

// Ends this process because of an outcome: calls the hook, then prints "churn: OUTCOME: reason" on
// stderr and leaves with exit status 70. Thread-safe, allocates nothing. `format` as in printf.
[[noreturn, gnu::format(printf, 2, 3)]] void stop(Outcome outcome, char const* format,
                                                  ...) noexcept;

// The hook of `stop`: the cell program sends its record from it. It must not allocate, and is
// called at most once even if several threads stop together. Not thread-safe; set it before threads
// exist.
using StopHook = void (*)(Outcome outcome, char const* reason) noexcept;
void set_stop_hook(StopHook hook) noexcept;

// What a failed check prints beside its place: the cell and the seed. Copied, cut at 255
// characters. Not thread-safe; set it before threads exist.
void set_check_context(std::string_view text) noexcept;

[[noreturn]] void check_failed(char const* kind, char const* condition, char const* file,
                               int line) noexcept;

}  // namespace churn

#define CHURN_CHECK(condition)        \
  (__builtin_expect(!!(condition), 1) \
       ? void(0)                      \
       : ::churn::check_failed("check", #condition, __FILE__, __LINE__))
#ifdef NDEBUG
#define CHURN_ASSERT(condition) void(sizeof(!(condition)))
#else
#define CHURN_ASSERT(condition)       \
  (__builtin_expect(!!(condition), 1) \
       ? void(0)                      \
       : ::churn::check_failed("assertion", #condition, __FILE__, __LINE__))
#endif
#if CHURN_VERIFYING
#define CHURN_VERIFY(condition) CHURN_CHECK(condition)
#else
#define CHURN_VERIFY(condition) void(sizeof(!(condition)))
#endif
#define CHURN_ALWAYS_INLINE [[gnu::always_inline]] inline
#define CHURN_NEVER_INLINE [[gnu::noinline]]
