// What:  the inside of a Store: its file, and what its sources share. Internal to results/store.
#pragma once

#include <SQLiteCpp/Transaction.h>

#include <optional>
#include <string>

#include "results/store/connection.hpp"
#include "results/store/run_lock.hpp"
#include "results/store/store.hpp"

namespace churn::store {

struct Store::Private {
  std::string path;
  std::optional<RunLock> lock;
  std::optional<Connection> connection;

  template <class Work>
  auto guarded(Work&& work) {
    try {
      return work();
    } catch (SQLite::Exception const& error) {
      explain(path, connection ? &connection->database() : nullptr, error);
    }
  }
  template <class Work>
  auto transaction(Work&& work) {
    return guarded([&] {
      SQLite::Transaction open(connection->database(), SQLite::TransactionBehavior::IMMEDIATE);
      auto const result = work();
      open.commit();
      return result;
    });
  }
  template <class... Values>
  std::int64_t execute(char const* sql, Values const&... values) {
    return connection->execute(sql, values...);
  }
  template <class... Values>
  Rows query(char const* sql, Values const&... values) {
    return connection->query(sql, values...);
  }

  void add_settings(std::int64_t cell, char const* axis, Named const& named);
  std::int64_t machine_row(Machine const& machine);
  Machine machine_of(std::int64_t machine_id);
  void read_settings(Cell& cell);
  static Cell cell_of(Rows& row);  // without its run and its settings
  static Invocation head_of(Rows& row);
  Invocation invocation(std::int64_t id);  // with its samples
  void read_details(Invocation& invocation);
  void read_samples(Invocation& invocation);
  // pre: inside a transaction
  std::int64_t insert_invocation(Invocation const& invocation);
};

}  // namespace churn::store
