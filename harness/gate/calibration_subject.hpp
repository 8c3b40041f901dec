// What:  the cell or command of a calibration's class, made ready, and pairs under conditions.
// How:   a cell's candidate is the baseline's program, asked for extra work. A command's candidate
//        is the same cell program with another request, run as a stranger's program would be.
// Errors: UserError where this build cannot run the class.
// Not thread-safe; processes are spawned by the calling thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "harness/gate/calibration_plan.hpp"
#include "harness/gate/evidence.hpp"
#include "harness/gate/measurer.hpp"
#include "harness/run/private_directory.hpp"
#include "results/store/records.hpp"

namespace churn::gate {

class Subject {
 public:
  // The class, the surroundings and the interrupt must outlive this.
  Subject(CalibrationClass const& of, std::uint64_t seed, run::Surroundings const& here,
          run::Interrupt& interrupt);
  ~Subject();

  // To be called once. Interrupted, or why it cannot be measured, as Measurer::prepare.
  Ready prepare();
  double prepare_seconds() const noexcept { return prepare_seconds_; }
  std::string const& name() const noexcept { return plan_.pairings.front().name; }

  // `condition` is one of the class's. None: interrupted.
  std::optional<store::CalibrationPair> measure(Condition const& condition, bool candidate_first,
                                                Rule const& rule);

 private:
  // False: interrupted; a failure is in `ready_`.
  bool make_commands();

  CalibrationClass const& class_;
  run::Interrupt& interrupt_;
  GatePlan plan_;
  std::optional<run::PrivateDirectory> directory_;  // of requests
  std::unique_ptr<Measurer> measurer_;
  Ready ready_;
  double prepare_seconds_ = 0;
};

// What is stored of a pair, and back.
Evidence evidence_of(store::CalibrationPair const& pair);

}  // namespace churn::gate
