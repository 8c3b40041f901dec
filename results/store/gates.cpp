#include "harness/core/error.hpp"
#include "results/store/private.hpp"

namespace churn::store {

// ---- writing ----

void Store::add_gate(Gate const& gate) {
  auto& store = *private_;
  store.transaction([&] {
    store.execute("INSERT INTO gates VALUES (?, ?, ?, ?)", gate.run_id, gate.baseline,
                  gate.candidate, gate.verdict);
    for (auto const& [name, value] : gate.limits) {
      store.execute("INSERT INTO gate_limits VALUES (?, ?, ?)", gate.run_id, name, value);
    }
    return 0;
  });
}

std::int64_t Store::add_gate_cell(GateCell const& cell) {
  auto& store = *private_;
  return store.transaction([&] {
    return store.execute(
        "INSERT INTO gate_cells (run_id, name, baseline_cell_id, candidate_cell_id, protocol,"
        " turns, failure) VALUES (?, ?, ?, ?, ?, ?, ?)",
        cell.run_id, cell.name, cell.baseline_cell_id, cell.candidate_cell_id, cell.protocol,
        cell.turns, cell.failure);
  });
}

void Store::update_gate_cell(GateCell const& cell) {
  auto& store = *private_;
  store.transaction([&] {
    return store.execute(
        "UPDATE gate_cells SET protocol = ?, turns = ?, failure = ?, units = ?, samples = ?,"
        " warmup_units = ? WHERE id = ?",
        cell.protocol, cell.turns, cell.failure, cell.units, cell.samples, cell.warmup_units,
        cell.id);
  });
}

void Store::add_gate_pair(GatePair const& pair) {
  auto& store = *private_;
  store.transaction([&] {
    auto const baseline = store.insert_invocation(pair.baseline);
    auto const candidate = store.insert_invocation(pair.candidate);
    return store.execute(
        "INSERT INTO gate_pairs (gate_cell_id, stage, number, candidate_first,"
        " baseline_invocation_id, candidate_invocation_id) VALUES (?, ?, ?, ?, ?, ?)",
        pair.gate_cell_id, pair.stage, pair.number, pair.candidate_first, baseline, candidate);
  });
}

void Store::add_gate_findings(std::int64_t run_id, std::string const& verdict,
                              std::vector<GateLook> const& looks,
                              std::vector<GateVerdict> const& verdicts) {
  auto& store = *private_;
  store.transaction([&] {
    for (GateLook const& each : looks) {
      store.execute("INSERT INTO gate_looks VALUES (?, ?, ?, ?, ?, ?, ?, ?)", each.gate_cell_id,
                    each.metric, each.stage, each.looks, each.pairs, each.p_alarm, each.p_pass,
                    each.decision);
    }
    for (GateVerdict const& each : verdicts) {
      store.execute("INSERT INTO gate_verdicts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    each.gate_cell_id, each.metric, each.verdict, each.pairs, each.ratio, each.low,
                    each.high, each.confidence, each.p, each.minimum_detectable_effect);
    }
    store.execute("UPDATE gates SET verdict = ? WHERE run_id = ?", verdict, run_id);
    return store.execute("UPDATE runs SET finished = 1 WHERE id = ?", run_id);
  });
}

void Store::add_gate_explanations(std::vector<GateExplanation> const& explanations) {
  auto& store = *private_;
  store.transaction([&] {
    for (GateExplanation const& each : explanations) {
      store.execute("INSERT OR REPLACE INTO gate_explanations VALUES (?, ?, ?, ?, ?)",
                    each.gate_cell_id, each.quantity, each.baseline, each.candidate, each.note);
    }
    return 0;
  });
}

// ---- reading ----

Gate Store::gate(std::int64_t run_id) {
  auto& store = *private_;
  return store.guarded([&] {
    Gate gate;
    Rows row = store.query(
        "SELECT run_id, baseline, candidate, verdict FROM gates"
        " WHERE run_id = ? OR ? = 0 ORDER BY run_id DESC LIMIT 1",
        run_id, run_id);
    if (!row.next()) {
      throw UserError("the store '" + store.path + "' holds no gate" +
                      (run_id == 0 ? "" : " with the number " + std::to_string(run_id)));
    }
    gate.run_id = row.integer(0);
    gate.baseline = row.text(1);
    gate.candidate = row.text(2);
    gate.verdict = row.text(3);
    Rows limit = store.query("SELECT name, value FROM gate_limits WHERE run_id = ?", gate.run_id);
    while (limit.next()) gate.limits[limit.text(0)] = limit.real(1);
    return gate;
  });
}

std::vector<GateCell> Store::gate_cells(std::int64_t run_id) {
  auto& store = *private_;
  return store.guarded([&] {
    std::vector<GateCell> cells;
    Rows row = store.query(
        "SELECT id, name, baseline_cell_id, candidate_cell_id, protocol, turns, failure, units,"
        " samples, warmup_units FROM gate_cells WHERE run_id = ? ORDER BY id",
        run_id);
    while (row.next()) {
      GateCell cell{row.integer(0), run_id,       row.text(1),  std::nullopt,
                    row.integer(3), row.text(4),  row.small(5), row.text(6),
                    row.count(7),   row.count(8), row.count(9)};
      if (!row.null(2)) cell.baseline_cell_id = row.integer(2);
      cells.push_back(std::move(cell));
    }
    return cells;
  });
}

void Store::each_gate_pair(std::int64_t gate_cell_id,
                           std::function<void(GatePair const&)> const& visit) {
  auto& store = *private_;
  store.guarded([&] {
    Rows row = store.query(
        "SELECT stage, number, candidate_first, baseline_invocation_id, candidate_invocation_id"
        " FROM gate_pairs WHERE gate_cell_id = ? ORDER BY stage, number",
        gate_cell_id);
    while (row.next()) {
      GatePair pair;
      pair.gate_cell_id = gate_cell_id;
      pair.stage = row.small(0);
      pair.number = row.small(1);
      pair.candidate_first = row.integer(2) != 0;
      pair.baseline = store.invocation(row.integer(3));
      pair.candidate = store.invocation(row.integer(4));
      visit(pair);
    }
  });
}

std::vector<GateLook> Store::gate_looks(std::int64_t run_id) {
  auto& store = *private_;
  return store.guarded([&] {
    std::vector<GateLook> looks;
    Rows row = store.query(
        "SELECT l.gate_cell_id, l.metric, l.stage, l.looks, l.pairs, l.p_alarm, l.p_pass,"
        " l.decision FROM gate_cells c JOIN gate_looks l ON l.gate_cell_id = c.id"
        " WHERE c.run_id = ? ORDER BY c.id, l.metric, l.stage",
        run_id);
    while (row.next()) {
      looks.push_back({row.integer(0), row.text(1), row.small(2), row.count(3), row.count(4),
                       row.real(5), row.real(6), row.text(7)});
    }
    return looks;
  });
}

std::vector<GateExplanation> Store::gate_explanations(std::int64_t run_id) {
  auto& store = *private_;
  return store.guarded([&] {
    std::vector<GateExplanation> explanations;
    Rows row = store.query(
        "SELECT e.gate_cell_id, e.quantity, e.baseline, e.candidate, e.note FROM gate_cells c"
        " JOIN gate_explanations e ON e.gate_cell_id = c.id WHERE c.run_id = ?"
        " ORDER BY c.id, e.quantity",
        run_id);
    while (row.next()) {
      GateExplanation each{row.integer(0), row.text(1), {}, {}, row.text(4)};
      if (!row.null(2)) each.baseline = row.real(2);
      if (!row.null(3)) each.candidate = row.real(3);
      explanations.push_back(std::move(each));
    }
    return explanations;
  });
}

std::vector<GateVerdict> Store::gate_verdicts(std::int64_t run_id) {
  auto& store = *private_;
  return store.guarded([&] {
    std::vector<GateVerdict> verdicts;
    Rows row = store.query(
        "SELECT v.gate_cell_id, v.metric, v.verdict, v.pairs, v.ratio, v.low, v.high,"
        " v.confidence, v.p, v.minimum_detectable_effect FROM gate_cells c"
        " JOIN gate_verdicts v ON v.gate_cell_id = c.id WHERE c.run_id = ? ORDER BY c.id, v.metric",
        run_id);
    auto const figure = [&](int column) {
      return row.null(column) ? std::optional<double>() : std::optional(row.real(column));
    };
    while (row.next()) {
      verdicts.push_back({row.integer(0), row.text(1), row.text(2), row.count(3), figure(4),
                          figure(5), figure(6), figure(7), row.real(8), figure(9)});
    }
    return verdicts;
  });
}

}  // namespace churn::store
