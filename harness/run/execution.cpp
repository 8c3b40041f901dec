#include "harness/run/execution.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <vector>

#include "harness/core/error.hpp"
#include "harness/run/floating_garbage.hpp"
#include "harness/run/interrupt.hpp"
#include "harness/run/invoke.hpp"
#include "harness/run/memory_life.hpp"
#include "harness/run/order.hpp"
#include "harness/run/overhead_split.hpp"
#include "harness/run/preparation.hpp"

namespace churn::run {
namespace {

// A cell that hangs costs its whole time limit; twice is enough to know.
constexpr std::uint32_t most_time_outs = 2;

struct CellState {
  PlannedCell const* planned = nullptr;
  store::Cell row;
  std::vector<bool> done;  // by round
  std::uint32_t time_outs = 0;
  bool can_run = false, failed = false;
  std::string checksum;  // that it must reach; empty until prepared
  std::vector<std::uint64_t> walls_ns;
  std::vector<double> totals_ns;  // timed part of each invocation that went well

  bool settled_before()
      const noexcept {  // by its block's preparation, in an earlier part of the run
    return row.units == 0 && std::find(done.begin(), done.end(), true) != done.end();
  }
  std::uint32_t rounds_left() const noexcept {
    if (!can_run || time_outs >= most_time_outs) return 0;
    return static_cast<std::uint32_t>(std::count(done.begin(), done.end(), false));
  }
  Work work() const noexcept {
    return {row.units, row.samples, warmup_units(row.units, row.samples)};
  }
};

class Execution {
 public:
  Execution(Means const& means, Plan const& plan, store::Store& store, std::int64_t run_id)
      : plan_(plan),
        store_(store),
        run_id_(run_id),
        progress_(means.progress),
        invoker_(plan, means.counting_library, interrupt_) {}

  Ending run() {
    load_cells();
    load_invocations();
    bool const complete = prepare_blocks() && run_rounds();
    if (complete) {
      store_.finish_run(run_id_);
      say(progress_line({done_, total_, {}, {}, "done"}, progress_columns));
    }
    auto const failed = std::count_if(cells_.begin(), cells_.end(),
                                      [](CellState const& cell) { return cell.failed; });
    return {!complete, static_cast<std::uint32_t>(failed)};
  }

 private:
  void load_cells() {
    std::vector<store::Cell> rows = store_.cells(run_id_);
    bool same = rows.size() == plan_.cells.size();
    for (std::size_t i = 0; same && i < rows.size(); ++i) same = rows[i].key == plan_.cells[i].key;
    if (!same) {
      throw UserError("run " + std::to_string(run_id_) +
                      " in this store is not of this plan; start a new run without --resume");
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      CellState& state = cells_.emplace_back();
      state.planned = &plan_.cells[i];
      state.row = std::move(rows[i]);
      state.done.assign(plan_.rounds, false);
      state.can_run = state.planned->why_not.empty() && state.row.planned == Outcome::ok;
      by_id_[state.row.id] = i;
    }
  }

  void load_invocations() {
    store_.each_invocation(run_id_, false, [this](store::Invocation const& invocation) {
      auto const found = by_id_.find(invocation.cell_id);
      if (found == by_id_.end()) return;
      CellState& state = cells_[found->second];
      if (invocation.round < state.done.size()) state.done[invocation.round] = true;
      take_note(state, invocation);
      if (invocation.outcome == Outcome::ok) state.checksum = invocation.checksum;
    });
    for (CellState& state : cells_) {
      if (state.settled_before()) state.can_run = false;
    }
  }

  void take_note(CellState& state, store::Invocation const& invocation) {
    if (invocation.outcome == Outcome::not_applicable) return;
    if (invocation.wall_ns > 0) state.walls_ns.push_back(invocation.wall_ns);
    if (invocation.outcome == Outcome::timed_out) ++state.time_outs;
    if (invocation.outcome == Outcome::ok) {
      if (!invocation.sample_ns.empty()) {
        state.totals_ns.push_back(
            std::accumulate(invocation.sample_ns.begin(), invocation.sample_ns.end(), 0.0));
      }
      return;
    }
    if (!state.failed) {
      say(store::spelled(state.row.key) + ": " + std::string(name_of(invocation.outcome)) + ": " +
          invocation.reason);
    }
    state.failed = true;
  }

  void say(std::string const& line) {
    if (progress_ != nullptr) progress_->note(line);
  }

  // ---- once per block ----

  bool prepare_blocks() {
    std::map<std::uint64_t, std::vector<CellState*>> blocks;
    for (CellState& cell : cells_) {
      if (cell.can_run) blocks[cell.planned->block].push_back(&cell);
    }
    std::erase_if(blocks, [](auto const& block) { return is_prepared(block.second); });
    std::uint32_t done = 0;
    for (auto const& [number, cells] : blocks) {
      if (progress_ != nullptr) {
        progress_->show({done++,
                         static_cast<std::uint32_t>(blocks.size()),
                         {},
                         {},
                         "preparing " + cells.front()->planned->key.workload.name});
      }
      if (!prepare_block(cells)) return false;
    }
    return true;
  }

  // True when nothing is left to run, or all that is needed for it is in the store. Passes
  // checksums on among cells that do the same work.
  static bool is_prepared(std::vector<CellState*> const& cells) {
    for (CellState* const cell : cells) {
      for (CellState const* const other : cells) {
        if (!cell->checksum.empty()) break;
        if (other->work() == cell->work()) cell->checksum = other->checksum;
      }
    }
    return std::all_of(cells.begin(), cells.end(), [](CellState const* cell) {
      return cell->rounds_left() == 0 || (cell->row.units > 0 && !cell->checksum.empty());
    });
  }

  bool prepare_block(std::vector<CellState*> const& cells) {
    std::vector<PlannedCell const*> planned;
    Known known;
    for (CellState const* const cell : cells) {
      planned.push_back(cell->planned);
      if (cell->row.units == 0) continue;
      (cell->planned->reclaims ? known.reclaiming : known.keeping) = cell->work();
    }
    Preparation const prepared = prepare(plan_, planned, known, invoker_);
    if (prepared.interrupted) return false;
    for (CellState* const cell : cells) {
      bool const reclaims = cell->planned->reclaims;
      std::optional<Fixed> const& fixed = reclaims ? prepared.reclaiming : prepared.keeping;
      if (fixed) {
        fix(*cell, *fixed);
      } else if (!reclaims && !prepared.why_nothing_fits.empty()) {
        cell->row.planned = Outcome::not_applicable;
        cell->row.planned_reason = prepared.why_nothing_fits;
        cell->can_run = false;
        store_.update_cell(cell->row);
      } else if (prepared.failure->outcome == Outcome::not_applicable) {
        // The work makes no sense on any back end: it was asked for wrongly.
        throw UserError(prepared.failure->reason);
      } else {
        settle(*cell, *prepared.failure);
      }
    }
    return true;
  }

  void fix(CellState& cell, Fixed const& fixed) {
    cell.checksum = fixed.checksum;
    cell.row.units = fixed.work.units;
    cell.row.samples = fixed.work.samples;
    cell.row.ops_per_sample =
        fixed.ops_per_unit * (fixed.work.units / fixed.work.samples) * cell.planned->key.threads;
    cell.row.peak_live_bytes = fixed.peak_live_bytes;
    store_.update_cell(cell.row);
  }

  // The block has nothing to run: each of its cells says so, once.
  void settle(CellState& cell, Record const& failure) {
    Finding finding;
    finding.record = failure;
    cell.can_run = false;
    add(cell, 0, 0, finding);
  }

  // ---- rounds ----

  bool run_rounds() {
    total_ = done_ = 0;
    for (CellState const& cell : cells_) total_ += cell.rounds_left();
    for (std::uint32_t round = 0; round < plan_.rounds; ++round) {
      std::vector<std::size_t> const order = round_order(plan_, round);
      for (std::size_t position = 0; position < order.size(); ++position) {
        CellState& cell = cells_[order[position]];
        if (cell.rounds_left() == 0 || cell.done[round]) continue;
        if (interrupt_.requested()) return false;
        show(cell);
        Finding finding = invoker_.time(*cell.planned, cell.work());
        if (finding.interrupted || !add_garbage(cell, round, finding)) return false;
        if (!add_life(cell, round, finding)) return false;
        if (!add_split(cell, round, finding)) return false;
        std::uint32_t const left_before = cell.rounds_left();
        add(cell, round, static_cast<std::uint32_t>(position), finding);
        done_ += left_before - cell.rounds_left();
      }
    }
    return true;
  }

  // Once per cell, with its first round. False: interrupted.
  bool add_garbage(CellState const& cell, std::uint32_t round, Finding& finding) {
    if (round > 0 || !finding.ok() || !cell.planned->garbage_is_known) return true;
    FloatingGarbage::Found found = garbage_.look(*cell.planned, cell.work());
    finding.record.figures.merge(found.figures);
    return !found.interrupted;
  }

  // Once per cell, with its first round. False: interrupted.
  bool add_life(CellState const& cell, std::uint32_t round, Finding& finding) {
    if (round > 0 || !finding.ok() || !cell.planned->memory_life) return true;
    MemoryLife found = memory_life(invoker_, *cell.planned, cell.work());
    finding.record.figures.merge(found.figures);
    return !found.interrupted;
  }

  // In each round, since it is made of small differences. False: interrupted.
  bool add_split(CellState const& cell, std::uint32_t round, Finding& finding) {
    if (!plan_.overhead_split || !finding.ok()) return true;
    OverheadSplit::Found found = split_.measure(*cell.planned, cell.work(), round);
    bool const never = !cell.planned->why_no_split.empty();
    if (!found.why_not.empty() && (round == 0 || !never)) {
      say(store::spelled(cell.row.key) + ": no overhead split: " + found.why_not);
    }
    finding.record.figures.merge(found.figures);
    return !found.interrupted;
  }

  void show(CellState const& current) {
    if (progress_ == nullptr) return;
    std::vector<Rest> rests;
    std::vector<std::vector<double>> totals;
    for (CellState const& cell : cells_) {
      rests.push_back({cell.rounds_left(), cell.walls_ns});
      totals.push_back(cell.totals_ns);
    }
    progress_->show({done_, total_, remaining(rests, plan_.seconds_per_invocation),
                     noise_between(totals), store::spelled(current.row.key)});
  }

  void add(CellState& cell, std::uint32_t round, std::uint32_t position, Finding const& finding) {
    store::Invocation row;
    row.cell_id = cell.row.id;
    row.round = round;
    row.position = position;
    row.outcome = finding.record.outcome;
    row.reason = finding.record.reason;
    row.checksum = finding.record.checksum;
    row.started_ns = finding.started_ns;
    row.spawn_to_setup_ns = finding.spawn_to_setup_ns;
    row.wall_ns = finding.wall_ns;
    row.record = finding.record.rest;
    if (finding.ok()) judge_answer(cell, finding.record, row);
    if (row.outcome == Outcome::timed_out && cell.time_outs + 1 == most_time_outs) {
      row.reason += "; the second time, so it was not run again";
    }
    store_.add_invocation(row);
    cell.done[round] = true;
    take_note(cell, row);
  }

  // The right answer alone has times.
  static void judge_answer(CellState const& cell, Record const& record, store::Invocation& row) {
    if (record.checksum != cell.checksum) {
      row.outcome = Outcome::wrong_answer;
      row.reason = "its checksum is " + record.checksum + ", the reference's is " + cell.checksum;
      row.record.clear();
      return;
    }
    row.sample_ns = record.sample_ns;
    row.sample_cpu_ns = record.sample_cpu_ns;
    row.rss_time_line = record.rss_time_line;
    row.figures = record.figures;
    row.histograms = record.histograms;
    auto const peak = record.figures.find("peak_rss_bytes");
    auto const start = record.figures.find("rss_start_bytes");
    bool const known = peak != record.figures.end() && start != record.figures.end() &&
                       cell.row.peak_live_bytes.value_or(0) > 0;
    if (known) {
      row.figures["blow_up"] =
          (peak->second - start->second) / static_cast<double>(*cell.row.peak_live_bytes);
    }
  }

  Plan const& plan_;
  store::Store& store_;
  std::int64_t const run_id_;
  Progress* const progress_;
  Interrupt interrupt_;
  Invoker invoker_;
  FloatingGarbage garbage_{invoker_};
  OverheadSplit split_{invoker_, plan_.memory_cap_bytes};
  std::vector<CellState> cells_;  // in the plan's order
  std::map<std::int64_t, std::size_t> by_id_;
  std::uint32_t total_ = 0, done_ = 0;
};

}  // namespace

store::Cell unprepared_row(PlannedCell const& cell, std::int64_t run_id) {
  store::Cell row;
  row.run_id = run_id;
  row.key = cell.key;
  row.block = cell.block;
  row.oversubscribed = cell.oversubscribed;
  row.planned = cell.why_not.empty() ? Outcome::ok : Outcome::not_applicable;
  row.planned_reason = cell.why_not;
  row.op = cell.op;
  row.why_unranked = cell.why_unranked;
  return row;
}

Ending execute_in(Means const& means, Plan const& plan, store::Store& store, std::int64_t run_id) {
  return Execution(means, plan, store, run_id).run();
}

}  // namespace churn::run
