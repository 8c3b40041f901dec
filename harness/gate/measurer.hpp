// What:  who runs a pair of processes: the seam between a gate's session and the machine, which
//        tests fill with simulated pairs.
// Two:   cells that take turns, and whole commands that alternate.
// Not thread-safe; processes are spawned by the calling thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "harness/gate/sides.hpp"
#include "harness/run/interrupt.hpp"
#include "results/store/records.hpp"

namespace churn::gate {

struct Ready {
  bool interrupted = false;
  std::string failure;  // not empty: this cell cannot be measured
  std::string protocol;
  std::uint32_t turns = 0;
};

class Measurer {
 public:
  Measurer() = default;
  Measurer(Measurer const&) = delete;
  Measurer& operator=(Measurer const&) = delete;
  virtual ~Measurer() = default;

  // Finds out how much work a pair of this cell does. Called once, before its first pair.
  virtual Ready prepare(Pairing const& pairing) = 0;
  // One pair; a canary is the baseline against itself. None: interrupted, nothing to keep. The
  // numbers of rows are left to the caller.
  virtual std::optional<store::GatePair> measure(Pairing const& pairing, bool canary,
                                                 bool candidate_first) = 0;
  virtual double seconds() const = 0;  // since some moment
};

// Of this machine; the plan and the interrupt must outlive it.
std::unique_ptr<Measurer> make_cell_measurer(GatePlan const& plan, run::Interrupt& interrupt);
std::unique_ptr<Measurer> make_command_measurer(GatePlan const& plan, run::Interrupt& interrupt);

}  // namespace churn::gate
