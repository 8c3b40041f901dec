// What:  a gate's findings for people and for programs.
// Format for programs, fixed but for more keys: {"verdict", "seed", "cells": [{"cell", "metric",
//        "verdict", "ratio", "low", "high", "pairs", "minimum_detectable_effect"}]}; what there is
//        no number for is absent. A cell without numbers has one row, metric "all", and a "reason".
// Thread-safety: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "harness/gate/replay.hpp"
#include "results/export/findings.hpp"
#include "results/report/report.hpp"

namespace churn::gate {

// `finished` false: interrupted; its verdict is none, and never green.
std::string to_json(Replay const& replay, bool finished);
// For continuous integration: one finding for each cell, and one for a gate that did not end.
exporting::Findings findings_of(Replay const& replay, bool finished);
std::string to_terminal(Replay const& replay, bool finished, report::TerminalStyle style);

// "+3.1 %"; a change this small as "+0.0 %" is none that anybody acts on.
std::string change(double ratio);
// What stands behind a cell's verdict, in words; empty for one that passed.
std::vector<std::string> reasons_of(Replay const& replay, std::size_t cell);

}  // namespace churn::gate
