// What:  what one invocation is asked to do, and how it reads that from JSON. The keys are
//        documented in harness/core/protocol.hpp.
// Errors: UserError with the key or name that is wrong; nothing has been measured then.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/cell/program.hpp"
#include "harness/core/contracts.hpp"
#include "harness/core/extra_work.hpp"

namespace churn::cell {

enum class Mode { time, count, pilot, presence, turns, split, life };
inline constexpr std::array modes{Mode::time,  Mode::count, Mode::pilot, Mode::presence,
                                  Mode::turns, Mode::split, Mode::life};
std::string_view name_of(Mode mode) noexcept;

// The file that malloc must lie in, compared by device and inode: a preload is a symbolic link.
struct LibraryFile {
  std::string path;
  std::uint64_t device = 0, inode = 0;
};

// Mode turns: how many, whether this process moves first (0) or second (1), and the file of the
// page that both map.
struct Turns {
  std::uint64_t count = 0;
  std::uint32_t place = 0;
  std::string page;
  bool batches = false;  // the time of every unit is asked for
};

struct Request {
  Mode mode = Mode::time;
  std::string workload;  // "managed/cycle-churn"
  Entry const* entry = nullptr;
  WorkloadContext context;
  HeapOptions heap;
  std::uint64_t units = 0, samples = 1, warmup_units = 0, target_ns = 0;
  bool prove = false;  // false when the program is run by hand without a library key
  std::optional<LibraryFile> library;  // none: glibc
  std::vector<int> cpus;
  Turns turns;
  ExtraWork extra;
  bool dirty_heap = false;
  std::uint32_t keep_one_of = 0;        // mode life
  std::vector<std::uint64_t> watch_ms;  // mode life; ascending
};

// `path` names a JSON file; "-" is standard input.
Request read_request(std::string const& path);

// Every declared parameter at its standard value, `given` laid over. Throws UserError for a name
// that is not declared or a value out of bounds; `owner` names whose parameters they are.
std::vector<Setting> filled_in(std::span<ParameterInfo const> declared,
                               std::vector<Setting> const& given, std::string_view owner);

// The entry of a workload by its full name, or UserError if this program has none or cannot run it.
Entry const& find_entry(std::string_view workload);

}  // namespace churn::cell
