#include "harness/run/invoke.hpp"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "harness/core/clock.hpp"
#include "harness/core/page_source.hpp"
#include "harness/core/protocol.hpp"
#include "harness/core/turn_word.hpp"
#include "harness/run/environment.hpp"
#include "harness/run/names.hpp"

namespace churn::run {
namespace {

// Programs are called by one name, so that no path shows in their arguments.
constexpr char argument_zero[] = "churn-cell";
constexpr std::size_t stack_step_bytes = 1024;
constexpr std::size_t words_in_reason_bytes = 240;
constexpr std::string_view preload_refused = "cannot be preloaded";

// Printable and short: a cell may say anything.
std::string tamed(std::string_view line) {
  std::string result;
  for (char const each : line.substr(0, words_in_reason_bytes)) {
    auto const byte = static_cast<unsigned char>(each);
    result += byte < 0x20 || byte == 0x7f ? ' ' : each;
  }
  if (line.size() > words_in_reason_bytes) result += "...";
  return result;
}

std::string last_line(std::string_view words) {
  while (!words.empty()) {
    std::size_t const end = words.find_last_not_of(" \t\r\n");
    if (end == std::string_view::npos) return "";
    words = words.substr(0, end + 1);
    std::size_t const begin = words.find_last_of('\n');
    return tamed(begin == std::string_view::npos ? words : words.substr(begin + 1));
  }
  return "";
}

std::string line_with(std::string_view words, std::string_view part) {
  std::size_t const at = words.find(part);
  if (at == std::string_view::npos) return "";
  std::size_t const before = words.find_last_of('\n', at);
  std::size_t const begin = before == std::string_view::npos ? 0 : before + 1;
  return tamed(words.substr(begin, words.find('\n', at) - begin));
}

std::string in_mebibytes(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

std::string how_it_ended(Ended const& ended, Plan const& plan) {
  switch (ended.how) {
    case Ended::How::exited:
      return "ended with exit status " + std::to_string(ended.status);
    case Ended::How::signalled:
      return "killed by " + spelled_signal(ended.status);
    case Ended::How::out_of_time: {
      char text[64];
      std::snprintf(text, sizeof text, "did not end within %g s", plan.time_limit_seconds);
      return text;
    }
    case Ended::How::out_of_memory:
      return "resident memory reached " + in_mebibytes(ended.peak_resident_bytes) +
             ", more than the cap of " + in_mebibytes(plan.memory_cap_bytes);
    case Ended::How::record_too_long:
      return "wrote a record of more than " + in_mebibytes(record_most_bytes);
    case Ended::How::interrupted:
      return "interrupted";
    case Ended::How::abandoned:
      return abandoned_reason;
  }
  return "";
}

Record failed(Outcome outcome, std::string reason, std::string const& words) {
  Record record;
  record.outcome = outcome;
  record.reason = std::move(reason);
  record.rest = record_of_words(words);
  return record;
}

Record with_last_words(Outcome outcome, std::string reason, Ended const& ended) {
  if (std::string const line = last_line(ended.words); !line.empty())
    reason += "; it said: " + line;
  if (ended.how == Ended::How::signalled && ended.status == SIGKILL) {
    reason += "; not by churn: perhaps the kernel was out of memory";
  }
  return failed(outcome, std::move(reason), ended.words);
}

// From how a process ended and what it left to an outcome.
Record judge(Ended const& ended, Asked const& asked, Plan const& plan) {
  std::string const how = how_it_ended(ended, plan);
  if (ended.how == Ended::How::out_of_time) return failed(Outcome::timed_out, how, ended.words);
  if (ended.how == Ended::How::out_of_memory) {
    return failed(Outcome::out_of_memory, how, ended.words);
  }
  if (ended.how == Ended::How::abandoned) return failed(Outcome::not_applicable, how, ended.words);
  if (ended.how == Ended::How::record_too_long) return failed(Outcome::crashed, how, ended.words);
  // The dynamic linker only warns about a preload that it ignores, and goes on with another malloc.
  if (std::string const line = line_with(ended.words, preload_refused); !line.empty()) {
    return failed(Outcome::unproved, line, ended.words);
  }
  if (ended.record.empty()) {
    return with_last_words(Outcome::crashed, how + " without a record", ended);
  }
  Record record = read_record(ended.record, asked);
  if (record.rest.empty()) record.rest = record_of_words(ended.words);
  bool const ended_well = ended.how == Ended::How::exited && ended.status == 0;
  if (record.outcome == Outcome::ok && !ended_well) {
    return with_last_words(Outcome::crashed, "wrote its record, then " + how, ended);
  }
  if (record.outcome == Outcome::crashed && !ended_well) {
    return with_last_words(Outcome::crashed, record.reason + "; " + how, ended);
  }
  return record;
}

}  // namespace

BackEnd back_end_of(PlannedCell const& cell) {
  return {cell.program, cell.library, cell.environment, cell.collector_parameters,
          cell.key.heap_limit_bytes};
}

BackEnd reference_of(PlannedCell const& cell) {
  return {cell.reference_program.empty() ? cell.program : cell.reference_program, "", {}, {}, 0};
}

Invoker::Invoker(Plan const& plan, std::string counting_library, Interrupt& interrupt,
                 std::size_t longest_program)
    : plan_(plan), counting_library_(std::move(counting_library)), interrupt_(interrupt) {
  CPU_ZERO(&cpus_);
  if (sched_getaffinity(0, sizeof cpus_, &cpus_) != 0) CPU_ZERO(&cpus_);
  // Highest first: the lowest cores take most of a machine's interrupts.
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0; --cpu) {
    if (CPU_ISSET(cpu, &cpus_)) cpu_numbers_.push_back(cpu);
  }
  std::size_t most = 0;
  auto const look_at = [&](BackEnd const& back_end) {
    Launch const each = launch(back_end);
    std::size_t const longer = longest_program - std::min(longest_program, each.program.size());
    most = std::max(most, stack_bytes(each.program, each.arguments, each.environment) + longer);
  };
  for (PlannedCell const& cell : plan.cells) {
    if (!cell.why_not.empty()) continue;
    look_at(back_end_of(cell));
    BackEnd counting = reference_of(cell);
    counting.library = counting_library_;
    look_at(counting);
    counting.program = cell.program;
    look_at(counting);
  }
  total_stack_bytes_ =
      (most + least_padding_bytes() + stack_step_bytes - 1) / stack_step_bytes * stack_step_bytes;
}

Finding Invoker::time(PlannedCell const& cell, Work const& work) {
  BackEnd const back_end = back_end_of(cell);
  Asked question = asked(Mode::time, cell, back_end);
  question.work = work;
  return invoke(back_end, question);
}

Finding Invoker::pilot(PlannedCell const& cell, BackEnd const& back_end, std::uint64_t target_ns) {
  Asked question = asked(Mode::pilot, cell, back_end);
  question.target_ns = target_ns;
  question.work = {1, 1, 0};
  return invoke(back_end, question);
}

Finding Invoker::count(PlannedCell const& cell, BackEnd back_end, Work const& work) {
  back_end.library = counting_library_;
  back_end.environment.clear();
  Asked question = asked(Mode::count, cell, back_end);
  question.work = work;
  return invoke(back_end, question);
}

Finding Invoker::presence(PlannedCell const& cell, BackEnd const& back_end, Work const& work) {
  Asked question = asked(Mode::presence, cell, back_end);
  question.work = work;
  return invoke(back_end, question);
}

Finding Invoker::life(PlannedCell const& cell, Work const& work, std::uint32_t keep_one_of) {
  BackEnd const back_end = back_end_of(cell);
  Asked question = asked(Mode::life, cell, back_end);
  question.work = work;
  question.keep_one_of = keep_one_of;
  return invoke(back_end, question);
}

// What does not reclaim must keep more than the limit allows.
Finding Invoker::split(PlannedCell const& cell, Work const& work, Parts const& parts) {
  BackEnd back_end = back_end_of(cell);
  if (!parts.reclamation) back_end.heap_limit_bytes = 0;
  Asked question = asked(Mode::split, cell, back_end);
  question.work = work;
  question.parts = parts;
  return invoke(back_end, question);
}

Asked Invoker::asked(Mode mode, PlannedCell const& cell, BackEnd const& back_end) {
  Asked result;
  result.mode = mode;
  result.workload = without_file(cell.key.workload.name);
  result.file =
      result.workload == trace_workload ? traces_.path_of(cell.file, cell.key.threads) : cell.file;
  result.parameters = cell.parameters;
  result.collector_parameters = back_end.collector_parameters;
  result.threads = cell.key.threads;
  result.heap_limit_bytes = back_end.heap_limit_bytes;
  result.seed = plan_.seed;
  result.dirty_heap = plan_.dirty_heap;
  result.cpus = pinned_cpus(cell.key.threads);
  return result;
}

std::vector<int> Invoker::pinned_cpus(std::uint32_t threads) const {
  if (threads > cpu_numbers_.size()) return {};
  return {cpu_numbers_.begin(), cpu_numbers_.begin() + threads};
}

// Keeps the supervisor off the cell's cores where there are others.
void Invoker::step_aside(std::uint32_t threads) const {
  if (threads >= cpu_numbers_.size()) return;
  cpu_set_t rest = cpus_;
  for (int const cpu : pinned_cpus(threads)) CPU_CLR(cpu, &rest);
  sched_setaffinity(0, sizeof rest, &rest);
}

Launch Invoker::launch(BackEnd const& back_end) {
  Launch result;
  result.program = back_end.program;
  result.arguments = {argument_zero, std::string(request_option) + child_request_path,
                      std::string(record_option) + child_record_path};
  result.environment = cell_environment(back_end.environment, directory_.link_to(back_end.library));
  result.data_limit_bytes = plan_.memory_cap_bytes;
  result.cpus = &cpus_;
  if (!wrapper_.empty()) {
    result.arguments.front() = result.program;
    result.arguments.insert(result.arguments.begin(), wrapper_.begin(), wrapper_.end());
    result.program = wrapper_.front();
    result.data_limit_bytes = 0;
  }
  return result;
}

std::optional<Record> Invoker::get_ready(BackEnd const& back_end, Asked& question,
                                         Launch& started) {
  if (!back_end.library.empty()) {
    struct stat status;
    if (stat(back_end.library.c_str(), &status) != 0) {
      return failed(Outcome::unproved, back_end.library + " is gone: " + std::strerror(errno), "");
    }
    question.library = LibraryFile{back_end.library, status.st_dev, status.st_ino};
  }
  started = launch(back_end);
  if (wrapper_.empty()) {
    started.environment = padded(started.program, started.arguments, std::move(started.environment),
                                 total_stack_bytes_);
  }
  started.request = to_request(question);
  return std::nullopt;
}

Limits Invoker::limits() const noexcept {
  return {plan_.memory_cap_bytes, static_cast<std::uint64_t>(plan_.time_limit_seconds * 1e9)};
}

Finding Invoker::finding_of(Ended const& ended, Asked const& question,
                            std::uint64_t spawned_ns) const {
  Finding finding;
  finding.interrupted = ended.how == Ended::How::interrupted;
  if (finding.interrupted) return finding;
  finding.wall_ns = ended.wall_ns;
  finding.record = judge(ended, question, plan_);
  if (finding.record.clock_setup_ns > spawned_ns) {
    finding.spawn_to_setup_ns = finding.record.clock_setup_ns - spawned_ns;
  }
  return finding;
}

Finding Invoker::invoke(BackEnd const& back_end, Asked const& asked) {
  std::uint64_t const started_ns = read_clock_ns(CLOCK_REALTIME);
  Finding finding;
  Asked question = asked;
  Launch started;
  if (auto why_not = get_ready(back_end, question, started)) {
    finding.record = std::move(*why_not);
  } else {
    step_aside(question.threads);
    std::uint64_t const spawned_ns = now_ns();
    Ended const ended = supervise(spawn(started), spawned_ns, limits(), interrupt_);
    sched_setaffinity(0, sizeof cpus_, &cpus_);
    finding = finding_of(ended, question, spawned_ns);
  }
  finding.started_ns = started_ns;
  return finding;
}

std::array<Finding, 2> Invoker::take_turns(std::array<PlannedCell const*, 2> cells,
                                           Work const& work, std::uint32_t turns,
                                           std::array<ExtraWork, 2> extra, bool batches) {
  std::array<Finding, 2> findings;
  std::array<Asked, 2> questions;
  std::array<Launch, 2> launches;
  Descriptor const page = shared_page();
  std::uint64_t const started_ns = read_clock_ns(CLOCK_REALTIME);
  for (std::uint32_t i = 0; i < 2; ++i) {
    BackEnd const back_end = back_end_of(*cells[i]);
    questions[i] = asked(Mode::turns, *cells[i], back_end);
    questions[i].work = work;
    questions[i].turns = {turns, i, batches};
    questions[i].extra = extra[i];
    findings[i].started_ns = started_ns;
    if (auto why_not = get_ready(back_end, questions[i], launches[i])) {
      findings[i].record = std::move(*why_not);
      return findings;
    }
    launches[i].shared = page.number();
  }
  // How many moves there must have been before the side of each place can end in good order.
  void* const shared = mmap(nullptr, page_bytes, PROT_READ, MAP_SHARED, page.number(), 0);
  CHURN_CHECK(shared != MAP_FAILED);
  auto const moves = [&] {
    return std::atomic_ref(*static_cast<std::uint32_t*>(shared)).load(std::memory_order_seq_cst);
  };
  Together const together{[&](std::size_t ended) {
                            return moves() >=
                                   std::size_t{2} * (moves_of_a_side(turns) - 1) + ended + 1;
                          },
                          [&] { return std::size_t{moves() % 2}; }};
  step_aside(questions[0].threads);
  std::uint64_t const spawned_ns = now_ns();
  std::vector<Child> children;
  for (Launch const& each : launches) children.push_back(spawn(each));
  std::vector<Ended> const ended =
      supervise_all(std::move(children), spawned_ns, limits(), interrupt_, together);
  sched_setaffinity(0, sizeof cpus_, &cpus_);
  munmap(shared, page_bytes);
  for (std::size_t i = 0; i < 2; ++i) {
    findings[i] = finding_of(ended[i], questions[i], spawned_ns);
    findings[i].started_ns = started_ns;
  }
  return findings;
}

}  // namespace churn::run
