#include "results/store/private.hpp"

namespace churn::store {

std::int64_t Store::set_calibration_cell(CalibrationCell const& cell) {
  auto& store = *private_;
  return store.transaction([&] {
    store.execute(
        "INSERT INTO calibration_cells (run_id, class, loaded, name, protocol, turns,"
        " prepare_seconds, collection_share) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (run_id, class, loaded) DO UPDATE SET name = excluded.name,"
        " protocol = excluded.protocol, turns = excluded.turns,"
        " prepare_seconds = excluded.prepare_seconds, collection_share = excluded.collection_share",
        cell.run_id, cell.class_name, cell.loaded, cell.name, cell.protocol, cell.turns,
        cell.prepare_seconds, cell.collection_share);
    Rows row = store.query(
        "SELECT id FROM calibration_cells WHERE run_id = ? AND class = ? AND loaded = ?",
        cell.run_id, cell.class_name, cell.loaded);
    CHURN_CHECK(row.next());
    return row.integer(0);
  });
}

void Store::add_calibration_pair(CalibrationPair const& pair) {
  auto& store = *private_;
  store.transaction([&] {
    return store.execute(
        "INSERT INTO calibration_pairs (cell_id, condition, gate, stage, candidate_first, seconds,"
        " failure, void, single, steady, total, baseline_peak_bytes, candidate_peak_bytes)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        pair.cell_id, pair.condition, pair.gate, pair.stage, pair.candidate_first, pair.seconds,
        pair.failure, pair.is_void, pair.single, pair.steady, pair.total, pair.baseline_peak_bytes,
        pair.candidate_peak_bytes);
  });
}

std::vector<CalibrationCell> Store::calibration_cells(std::int64_t run_id) {
  auto& store = *private_;
  return store.guarded([&] {
    std::vector<CalibrationCell> cells;
    Rows row = store.query(
        "SELECT id, class, loaded, name, protocol, turns, prepare_seconds, collection_share"
        " FROM calibration_cells WHERE run_id = ? ORDER BY id",
        run_id);
    while (row.next()) {
      cells.push_back({row.integer(0), run_id, row.text(1), row.integer(2) != 0, row.text(3),
                       row.text(4), row.small(5), row.real(6), row.real(7)});
    }
    return cells;
  });
}

std::vector<CalibrationPair> Store::calibration_pairs(std::int64_t cell_id) {
  auto& store = *private_;
  return store.guarded([&] {
    std::vector<CalibrationPair> pairs;
    Rows row = store.query(
        "SELECT condition, gate, stage, candidate_first, seconds, failure, void, single, steady,"
        " total, baseline_peak_bytes, candidate_peak_bytes FROM calibration_pairs"
        " WHERE cell_id = ? ORDER BY id",
        cell_id);
    auto const figure = [&](int column) {
      return row.null(column) ? std::optional<double>() : std::optional(row.real(column));
    };
    while (row.next()) {
      pairs.push_back({cell_id, row.text(0), row.count(1), row.small(2), row.integer(3) != 0,
                       row.real(4), row.text(5), row.integer(6) != 0, row.integer(7) != 0,
                       row.real(8), row.real(9), figure(10), figure(11)});
    }
    return pairs;
  });
}

}  // namespace churn::store
