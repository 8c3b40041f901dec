// What:  one open SQLite file: finding out what is wrong with it, its version, and statements that
//        are prepared once. Internal to results/store: SQLiteCpp stays out of every other room.
// Invariant: no statement is left half read: an open cursor would hold an old view of the file and
//        make the next write fail beside another writer.
#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>

#include <concepts>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "results/store/store.hpp"

namespace churn::store {

// Throws UserError for a place where no store can be.
void check_place(std::string const& path, Store::Access access);
// Opens, makes or upgrades the file. Throws UserError or SQLite::Exception.
SQLite::Database open_store(std::string const& path, Store::Access access);
// Turns what SQLite says into what the user can do. `database` may be null: it could not be opened.
[[noreturn]] void explain(std::string const& path, SQLite::Database* database,
                          SQLite::Exception const& error);

// The rows of a running query; ends it when it goes.
class Rows {
 public:
  explicit Rows(SQLite::Statement& statement) : statement_(statement) {}
  Rows(Rows const&) = delete;
  Rows& operator=(Rows const&) = delete;
  ~Rows() { statement_.tryReset(); }

  bool next() { return statement_.executeStep(); }
  std::string text(int column) { return statement_.getColumn(column).getString(); }
  std::int64_t integer(int column) { return statement_.getColumn(column).getInt64(); }
  std::uint64_t count(int column) { return static_cast<std::uint64_t>(integer(column)); }
  std::uint32_t small(int column) { return static_cast<std::uint32_t>(integer(column)); }
  double real(int column) { return statement_.getColumn(column).getDouble(); }
  bool null(int column) { return statement_.getColumn(column).isNull(); }

 private:
  SQLite::Statement& statement_;
};

class Connection {
 public:
  explicit Connection(SQLite::Database database) : database_(std::move(database)) {}

  SQLite::Database& database() { return database_; }
  // `sql` is a literal: its address is its name. A query must not be started again while it runs.
  template <class... Values>
  Rows query(char const* sql, Values const&... values) {
    return Rows(bound(sql, values...));
  }
  // Returns the id of the row that was inserted last.
  template <class... Values>
  std::int64_t execute(char const* sql, Values const&... values) {
    bound(sql, values...).exec();
    return database_.getLastInsertRowid();
  }

 private:
  template <class... Values>
  SQLite::Statement& bound(char const* sql, Values const&... values) {
    SQLite::Statement& prepared = statement(sql);
    int at = 0;
    (bind(prepared, ++at, values), ...);
    return prepared;
  }
  SQLite::Statement& statement(char const* sql) {
    for (auto& [text, prepared] : statements_) {
      if (text != sql) continue;
      prepared.tryReset();  // what made it fail before was reported then
      return prepared;
    }
    return statements_.emplace_back(sql, SQLite::Statement(database_, sql)).second;
  }

  static void bind(SQLite::Statement& to, int at, std::string const& value) { to.bind(at, value); }
  static void bind(SQLite::Statement& to, int at, std::string_view value) {
    to.bind(at, std::string(value));
  }
  static void bind(SQLite::Statement& to, int at, double value) { to.bind(at, value); }
  template <std::integral T>
  static void bind(SQLite::Statement& to, int at, T value) {
    to.bind(at, static_cast<std::int64_t>(value));
  }
  template <class T>
  static void bind(SQLite::Statement& to, int at, std::optional<T> const& value) {
    if (value) {
      bind(to, at, *value);
    } else {
      to.bind(at);
    }
  }

  SQLite::Database database_;
  std::deque<std::pair<char const*, SQLite::Statement>> statements_;  // finalised before the file
};

}  // namespace churn::store
