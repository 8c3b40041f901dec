// What:  reads the settings of a malloc library ("prefault=1G;other=2") at load time and hands each
//        to the class. A setting that cannot be meant ends the process before main, with a message.
// Why:   a setting that is silently ignored is measured as if it had been set.
// Rule:  nothing here allocates, or calls what may throw (substr): it runs inside the allocator
//        that it configures, maybe in a process without libstdc++.
// Thread-safety: called once, by the library's constructor.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string_view>

#include "allocators/listed.hpp"
#include "harness/core/protocol.hpp"
#include "harness/core/quantity.hpp"

namespace churn::allocators {

inline constexpr int bad_setting_exit_status =
    71;  // EX_OSERR: cannot be mistaken for a program's own

[[noreturn]] inline void refuse_setting(std::string_view text, char const* reason) noexcept {
  char line[512];
  int const length = std::snprintf(line, sizeof line, "churn: %s: setting '%.*s' %s\n",
                                   allocator_settings_variable, static_cast<int>(text.size()),
                                   text.data(), reason);
  auto const bytes = static_cast<std::size_t>(length) < sizeof line
                         ? static_cast<std::size_t>(length)
                         : sizeof line - 1;
  // If even stderr is closed the exit status has to do.
  if (write(STDERR_FILENO, line, bytes) >= 0) _exit(bad_setting_exit_status);
  _exit(bad_setting_exit_status);
}

template <ListedAllocator A>
void apply_setting(std::string_view text) noexcept {
  std::size_t const equals = text.find('=');
  if (equals == std::string_view::npos) refuse_setting(text, "is not of the form name=value");
  std::string_view const name(text.data(), equals);
  std::string_view const number(text.data() + equals + 1, text.size() - equals - 1);
  ParameterInfo const* known = nullptr;
  for (ParameterInfo const& each : A::parameters) {
    if (each.name == name) known = &each;
  }
  if (known == nullptr) refuse_setting(text, "names no parameter of this allocator");
  auto const value = parse_quantity(number, known->minimum, known->maximum);
  if (!value) refuse_setting(text, "has a value that is no whole number within the bounds");
  if constexpr (Configurable<A>) {
    if (char const* const reason = A::configure(name, *value)) refuse_setting(text, reason);
  }
}

// `text` is the variable's value. Empty settings between semicolons are refused too.
template <ListedAllocator A>
void apply_settings(std::string_view text) noexcept {
  for (bool more = !text.empty(); more;) {
    std::size_t const found = text.find(';');
    more = found != std::string_view::npos;
    std::size_t const length = more ? found : text.size();
    apply_setting<A>({text.data(), length});
    text.remove_prefix(more ? length + 1 : length);
  }
}

// From the environment that libc hands to constructors: `environ` may not be set yet.
template <ListedAllocator A>
void apply_settings(char** environment) noexcept {
  std::size_t const length = std::strlen(allocator_settings_variable);
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    if (std::strncmp(*environment, allocator_settings_variable, length) != 0) continue;
    if ((*environment)[length] == '=')
      return apply_settings<A>(std::string_view(*environment + length + 1));
  }
}

}  // namespace churn::allocators
