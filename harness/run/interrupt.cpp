#include "harness/run/interrupt.hpp"

#include <sys/signalfd.h>

#include "harness/core/check.hpp"

namespace churn::run {
namespace {

bool is_ignored(int signal) noexcept {
  struct sigaction action;
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

Interrupt::Interrupt() {
  sigset_t taken;
  sigemptyset(&taken);
  for (int const signal : {SIGINT, SIGTERM}) {
    if (!is_ignored(signal)) sigaddset(&taken, signal);
  }
  CHURN_CHECK(sigprocmask(SIG_BLOCK, &taken, &before_) == 0);
  descriptor_ = Descriptor(signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK));
  CHURN_CHECK(descriptor_);
}

Interrupt::~Interrupt() { sigprocmask(SIG_SETMASK, &before_, nullptr); }

bool Interrupt::requested() noexcept {
  if (requested_) return true;
  signalfd_siginfo signal;
  requested_ = read(descriptor_.number(), &signal, sizeof signal) == sizeof signal;
  return requested_;
}

}  // namespace churn::run
