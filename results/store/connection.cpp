#include "results/store/connection.hpp"

#include <SQLiteCpp/Transaction.h>
#include <sqlite3.h>

#include <cstring>
#include <filesystem>
#include <string_view>

#include "harness/core/error.hpp"
#include "results/store/schema.hpp"

namespace churn::store {
namespace {

// Writers that take turns (shards, a report beside a run) wait this long for each other.
constexpr int busy_timeout_ms = 30'000;

// A store in a directory that nobody can write has no side files, and needs none once no log is
// left.
SQLite::Database open_for_reading(std::string const& path) {
  try {
    SQLite::Database database(path, SQLite::OPEN_READWRITE, busy_timeout_ms);
    database.exec("SELECT count(*) FROM sqlite_master");
    return database;
  } catch (SQLite::Exception const& error) {
    int const code = error.getErrorCode() & 0xff;
    if (code != SQLITE_CANTOPEN && code != SQLITE_READONLY) throw;
    std::error_code ignored;
    auto const log_bytes = std::filesystem::file_size(path + "-wal", ignored);
    if (!ignored && log_bytes > 0) throw;
  }
  std::string uri = "file:";
  for (char const letter : std::filesystem::absolute(path).string()) {
    bool const reserved = std::string_view("?#%").find(letter) != std::string_view::npos;
    constexpr char digits[] = "0123456789ABCDEF";
    auto const byte = static_cast<unsigned char>(letter);
    if (reserved)
      uri += {'%', digits[byte >> 4], digits[byte & 15]};
    else
      uri += letter;
  }
  return SQLite::Database(uri + "?immutable=1", SQLite::OPEN_READONLY | SQLite::OPEN_URI,
                          busy_timeout_ms);
}

int pragma(SQLite::Database& database, char const* name) {
  return database.execAndGet(std::string("PRAGMA ") + name).getInt();
}

// pre: inside a transaction that no other writer can enter.
void upgrade(SQLite::Database& database, std::string const& path) {
  int const version = pragma(database, "user_version");
  int const tables = database.execAndGet("SELECT count(*) FROM sqlite_master").getInt();
  int const application = pragma(database, "application_id");
  if (application != application_id && (application != 0 || version != 0 || tables != 0)) {
    throw UserError("'" + path +
                    "' is an SQLite file, but not a store of churn; give another with --db FILE");
  }
  if (version > schema_version()) {
    throw UserError("the store '" + path + "' has schema version " + std::to_string(version) +
                    ", newer than this churn's " + std::to_string(schema_version()) +
                    "; use the newer churn, or give another file with --db FILE");
  }
  if (version == schema_version()) return;
  for (auto const* step : schema_steps().subspan(static_cast<std::size_t>(version))) {
    database.exec(step);
  }
  database.exec("PRAGMA application_id = " + std::to_string(application_id));
  database.exec("PRAGMA user_version = " + std::to_string(schema_version()));
}

SQLite::Database open_for_writing(std::string const& path) {
  SQLite::Database database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, busy_timeout_ms);
  // The first transaction is also what finds out that a file or its directory is read-only.
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  upgrade(database, path);
  transaction.commit();
  database.exec("PRAGMA journal_mode = WAL");
  // A crash of the process loses nothing committed; a power cut may lose the last transactions.
  database.exec("PRAGMA synchronous = NORMAL");
  database.exec("PRAGMA foreign_keys = ON");
  return database;
}

}  // namespace

void check_place(std::string const& path, Store::Access access) {
  namespace fs = std::filesystem;
  std::error_code error;
  auto const status = fs::status(path, error);
  if (fs::is_directory(status)) {
    throw UserError("'" + path + "' is a directory, not a store; give a file with --db FILE");
  }
  if (fs::exists(status)) return;
  if (access == Store::Access::read) {
    throw UserError("there is no store '" + path +
                    "'; measure one with `churn run`, or name another with --db FILE");
  }
  auto const directory = fs::absolute(path).parent_path();
  if (!fs::is_directory(directory, error)) {
    throw UserError("cannot make the store '" + path + "': there is no directory '" +
                    directory.string() + "'; create it first, or give another file with --db FILE");
  }
}

void explain(std::string const& path, SQLite::Database* database, SQLite::Exception const& error) {
  std::string const name = "'" + path + "'";
  int const system_error = database == nullptr ? 0 : sqlite3_system_errno(database->getHandle());
  std::string const cause = std::string(error.what()) +
                            (system_error > 0 ? std::string("; ") + strerror(system_error) : "");
  switch (error.getErrorCode() & 0xff) {
    case SQLITE_NOTADB:
      throw UserError(name + " is not a store: it is no SQLite file; give another with --db FILE");
    case SQLITE_FULL:
      throw UserError(
          "the disk is full: the store " + name +
          " cannot grow; all that was stored before is kept: free some space and go on");
    case SQLITE_READONLY:
      throw UserError(
          "the store " + name +
          " cannot be written; make the file and its directory writable, or give another "
          "file with --db FILE");
    case SQLITE_CORRUPT:
      throw UserError(
          "the store " + name + " is damaged (" + cause +
          "); save what can be read with `sqlite3 FILE .recover`, or give another file");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw UserError("the store " + name +
                      " is being written by another process that does not let go; end it, or give "
                      "another file with --db FILE");
    case SQLITE_IOERR:
      if (error.getExtendedErrorCode() == SQLITE_IOERR_WRITE) {
        throw UserError("the store " + name + " cannot grow (" + cause +
                        "): a failing disk or a limit on file sizes (`ulimit -f`); all that was "
                        "stored before is kept");
      }
      throw UserError("the store " + name + " cannot be read or written (" + cause +
                      "); all that was stored before is kept: see to the disk");
    case SQLITE_CANTOPEN:
      throw UserError("cannot open the store " + name + " (" + cause +
                      "); see that the file and its directory can be read and written");
    default:
      throw UserError("the store " + name + " failed: " + cause);
  }
}

SQLite::Database open_store(std::string const& path, Store::Access access) {
  if (access != Store::Access::read) return open_for_writing(path);
  SQLite::Database database = open_for_reading(path);
  int const version = pragma(database, "user_version");
  if (version > 0 && version < schema_version() &&
      pragma(database, "application_id") == application_id) {
    database = open_for_writing(path);
  } else if (version == 0 && pragma(database, "schema_version") == 0) {
    throw UserError("the store '" + path + "' is empty; measure a run into it with `churn run`");
  } else {
    upgrade(database, path);
  }
  database.exec("PRAGMA query_only = ON");
  return database;
}

}  // namespace churn::store
