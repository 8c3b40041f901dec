#include "harness/run/preparation.hpp"

#include <algorithm>

namespace churn::run {
namespace {

// Time for a pilot's slice, as a share of the slice wanted: doubling costs about three times this.
std::uint64_t pilot_target_ns(Plan const& plan) {
  return static_cast<std::uint64_t>(plan.seconds_per_invocation * 1e9 / plan.samples) + 1;
}

bool is_baseline(Plan const& plan, PlannedCell const& cell) {
  store::CellKey const& key = cell.key;
  for (store::Named const* const named : {&key.allocator, &key.collector}) {
    if (named->name == plan.baseline || store::spelled(*named) == plan.baseline) return true;
  }
  return false;
}

struct Candidate {
  PlannedCell const* cell;
  BackEnd back_end;
  bool counts_live = false;
};

class Preparing {
 public:
  Preparing(Plan const& plan, std::vector<PlannedCell const*> const& cells, Invoker& invoker)
      : plan_(plan), cells_(cells), invoker_(invoker) {}

  Preparation run(Known const& known) {
    std::optional<Work> work = known.reclaiming;
    if (!work) work = pilot();
    if (!work) return std::move(result_);
    std::optional<Finding> const counted = count(*work);
    if (!counted) return std::move(result_);
    result_.reclaiming = fixed(*work, counted->record);
    bool const any_keeps = std::any_of(cells_.begin(), cells_.end(),
                                       [](PlannedCell const* cell) { return !cell->reclaims; });
    if (any_keeps) fix_keeping(*work, counted->record, known.keeping);
    return std::move(result_);
  }

 private:
  // The first of the cells for which `wanted` holds and which reclaims.
  template <class Wanted>
  void add_first(std::vector<Candidate>& candidates, Wanted&& wanted) const {
    for (PlannedCell const* const cell : cells_) {
      if (!cell->reclaims || !wanted(*cell)) continue;
      bool const there = std::any_of(candidates.begin(), candidates.end(),
                                     [&](Candidate const& each) { return each.cell == cell; });
      if (!there) candidates.push_back({cell, back_end_of(*cell)});
      return;
    }
  }

  std::optional<Work> pilot() {
    std::vector<Candidate> candidates;
    add_first(candidates, [&](PlannedCell const& cell) { return is_baseline(plan_, cell); });
    add_first(candidates, [](PlannedCell const& cell) { return cell.library.empty(); });
    add_first(candidates, [](PlannedCell const&) { return true; });
    candidates.push_back({cells_.front(), reference_of(*cells_.front())});
    // Parameters may ask for what few collectors can do.
    for (PlannedCell const* const cell : cells_) {
      add_first(candidates, [&](PlannedCell const& each) {
        return &each == cell &&
               std::none_of(candidates.begin(), candidates.end(), [&](Candidate const& other) {
                 return other.back_end.program == each.program;
               });
      });
    }
    for (Candidate const& candidate : candidates) {
      Finding const found =
          invoker_.pilot(*candidate.cell, candidate.back_end, pilot_target_ns(plan_));
      std::string const& library = candidate.back_end.library;
      if (!keep(found, "the pilot with " + (library.empty() ? "glibc" : library), candidate)) {
        return std::nullopt;
      }
      if (!found.ok()) continue;
      return work_for(found.record.slice_units, found.record.slice_ns, plan_.seconds_per_invocation,
                      plan_.samples);
    }
    return std::nullopt;
  }

  std::vector<Candidate> counters() const {
    std::vector<Candidate> candidates;
    auto const add = [&](PlannedCell const* cell, BackEnd const& back_end, bool counts_live) {
      bool const there = std::any_of(
          candidates.begin(), candidates.end(),
          [&](Candidate const& each) { return each.back_end.program == back_end.program; });
      if (!there) candidates.push_back({cell, back_end, counts_live});
    };
    for (PlannedCell const* const cell : cells_) {
      add(cell, reference_of(*cell), cell->reference_counts_live);
    }
    for (PlannedCell const* const cell : cells_) {
      BackEnd own = back_end_of(*cell);
      own.heap_limit_bytes = 0;
      if (cell->reclaims) add(cell, own, false);
    }
    return candidates;
  }

  std::optional<Finding> count(Work const& work) {
    for (Candidate const& candidate : counter_ ? std::vector{*counter_} : counters()) {
      Finding found = invoker_.count(*candidate.cell, candidate.back_end, work);
      if (!keep(found, "the counting pass", candidate)) return std::nullopt;
      if (!found.ok()) continue;
      counter_ = candidate;
      return found;
    }
    return std::nullopt;
  }

  // Remembers a failure; false when the run is to end.
  bool keep(Finding const& found, std::string const& what, Candidate const& candidate) {
    result_.interrupted = found.interrupted;
    if (found.interrupted) return false;
    if (found.ok()) {
      result_.failure.reset();
      return true;
    }
    std::string const& program = candidate.back_end.program;
    result_.failure = found.record;
    if (found.record.outcome == Outcome::not_applicable) return true;  // its reason says it all
    result_.failure->reason = "not started, since " + what + " failed on " +
                              program.substr(program.find_last_of('/') + 1) + ": " +
                              found.record.reason;
    return true;
  }

  Fixed fixed(Work const& work, Record const& record) const {
    Fixed result{work, record.ops_per_unit, record.checksum, std::nullopt};
    if (counter_->counts_live) result.peak_live_bytes = record.peak_live_bytes;
    return result;
  }

  void fix_keeping(Work const& full, Record const& counted, std::optional<Work> const& known) {
    std::uint64_t const room = room_for_kept_bytes(plan_.memory_cap_bytes);
    Requested const requested{full, counted.total_bytes, counted.total_bytes_warm};
    std::optional<Work> const fits = known ? known : work_that_fits(requested, room);
    if (!fits) {
      result_.why_nothing_fits =
          "never gives memory back, and one unit of this workload after its warm-up needs more "
          "than "
          "the " +
          std::to_string(room >> 20) + " MiB it may keep";
      return;
    }
    if (*fits == full) {
      result_.keeping = result_.reclaiming;
      return;
    }
    std::optional<Finding> const again = count(*fits);
    if (again) result_.keeping = fixed(*fits, again->record);
  }

  Plan const& plan_;
  std::vector<PlannedCell const*> const& cells_;
  Invoker& invoker_;
  std::optional<Candidate> counter_;  // that gave the checksum
  Preparation result_;
};

}  // namespace

Preparation prepare(Plan const& plan, std::vector<PlannedCell const*> const& cells,
                    Known const& known, Invoker& invoker) {
  return Preparing(plan, cells, invoker).run(known);
}

}  // namespace churn::run
