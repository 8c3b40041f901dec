// What:  measures the pairs of a calibration into a store, one transaction each, until there are as
//        many as were asked for, or until it is interrupted; what is stored is not measured again.
// Goes on: with the newest calibration of this store that the same build made on the same machine;
//        else a new one is begun.
// Errors: UserError for classes that this build cannot measure. A pair that fails is stored with
//        its reason.
// Not thread-safe.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/gate/calibration_plan.hpp"
#include "harness/gate/rule.hpp"
#include "harness/run/interrupt.hpp"
#include "harness/run/planning.hpp"
#include "results/store/store.hpp"

namespace churn::gate {

struct CalibrationWish {
  std::vector<CalibrationClass> classes;
  std::vector<bool> loads{false, true};  // quiet, and with a load on the other core
  Goal goal;
  Rule rule;  // of the gates that are run through
  std::string command;
};

struct CalibrationMoment {
  double step = 0;  // share of the goal that is aimed at
  std::string class_name, condition;
  bool loaded = false;
  std::uint64_t pairs = 0, wanted = 0;  // of this condition
};

struct CalibrationMeans {
  run::Surroundings const* here = nullptr;
  run::Interrupt* interrupt = nullptr;
  std::function<void(CalibrationMoment const&)> show = [](CalibrationMoment const&) {};
  std::function<void(std::string const&)> tell = [](std::string const&) {};  // what goes wrong
};

// False: interrupted.
bool calibrate(CalibrationMeans const& means, CalibrationWish const& wish, store::Store& store);

// The run that would be gone on with, or 0.
std::int64_t calibration_to_go_on_with(store::Store& store);

}  // namespace churn::gate
