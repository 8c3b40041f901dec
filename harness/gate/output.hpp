// What:  a gate's findings for people and for programs.
// Format for programs, fixed but for more keys: {"verdict", "seed", "cells": [{"cell", "metric",
//        "verdict", "ratio", "low", "high", "pairs", "minimum_detectable_effect"}]}; what there is
//        no number for is absent. A cell without numbers has one row, metric "all", and a "reason".
// Thread-safety: pure functions.
#pragma once

#include <string>

#include "harness/gate/replay.hpp"
#include "results/report/report.hpp"

namespace churn::gate {

// `finished` false: interrupted; its verdict is none, and never green.
std::string to_json(Replay const& replay, bool finished);
std::string to_terminal(Replay const& replay, bool finished, report::TerminalStyle style);

}  // namespace churn::gate
