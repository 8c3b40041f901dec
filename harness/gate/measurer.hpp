// What:  who runs a pair of processes: the seam between a gate's session and the machine, which
//        tests fill with simulated pairs.
// Two:   cells that take turns, and whole commands that alternate.
// Not thread-safe; processes are spawned by the calling thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "harness/core/extra_work.hpp"
#include "harness/gate/sides.hpp"
#include "harness/run/exchange.hpp"
#include "harness/run/interrupt.hpp"
#include "results/store/records.hpp"

namespace churn::gate {

struct Ready {
  bool interrupted = false;
  std::string failure;  // not empty: this cell cannot be measured
  std::string protocol;
  std::uint32_t turns = 0;
  run::Work work = {};
  // Of the trial's baseline: resident bytes at the peak, and which share of its time its
  // collections took. 0: unknown, or none.
  std::uint64_t peak_bytes = 0;
  double collection_share = 0;
};

struct PairWish {
  bool canary = false;  // the baseline against itself
  bool candidate_first = false;
  ExtraWork extra = {};  // asked of the candidate, or of a canary's second baseline
};

class Measurer {
 public:
  Measurer() = default;
  Measurer(Measurer const&) = delete;
  Measurer& operator=(Measurer const&) = delete;
  virtual ~Measurer() = default;

  // Finds out how much work a pair of this cell does. Called once, before its first pair.
  virtual Ready prepare(Pairing const& pairing) = 0;
  // Instead: what an earlier preparation found.
  virtual void resume(Ready const& ready) = 0;
  // From now on pairs of this cell do about that share of their work. None: they cannot do less.
  virtual std::optional<Ready> shorten(double share) = 0;
  // None: interrupted, nothing to keep. The numbers of rows are left to the caller.
  virtual std::optional<store::GatePair> measure(Pairing const& pairing, PairWish const& wish) = 0;
  // Which pair comes next, by which link orders are chosen.
  virtual void choose(std::uint32_t stage, std::uint32_t number) { (void)stage, (void)number; }
  virtual double seconds() const = 0;  // since some moment
};

// Of this machine; the plan and the interrupt must outlive it.
std::unique_ptr<Measurer> make_cell_measurer(GatePlan const& plan, run::Interrupt& interrupt);
std::unique_ptr<Measurer> make_command_measurer(GatePlan const& plan, run::Interrupt& interrupt);

}  // namespace churn::gate
