#include "harness/cell/invocation.hpp"

#include <dlfcn.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <numeric>

#include "harness/cell/litter.hpp"
#include "harness/cell/run_delay.hpp"
#include "harness/core/check.hpp"
#include "harness/core/error.hpp"
#include "harness/core/let_go.hpp"
#include "harness/core/page_source.hpp"

namespace churn::cell {
namespace {

// A batch is 1000 ops; a unit within this factor of it counts as one.
constexpr std::uint64_t batch_ops = 1000, batch_factor = 2;
constexpr std::uint64_t most_unit_stamps = 1u << 22;

template <class Function>
Function counter(char const* symbol) {
  auto const function = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, symbol));
  if (function == nullptr) {
    stop(Outcome::unproved, "the counting library was not preloaded: %s is not defined", symbol);
  }
  return function;
}

Usage operator-(Usage const& late, Usage const& early) {
  return {late.user_ns - early.user_ns, late.system_ns - early.system_ns,
          late.minor_faults - early.minor_faults, late.major_faults - early.major_faults};
}

std::uint64_t sum(std::array<std::uint64_t, generations> const& collections) {
  return std::accumulate(collections.begin(), collections.end(), std::uint64_t{0});
}

}  // namespace

Invocation::Invocation(Request const& request)
    : request_(request),
      slice_units_(request.units / request.samples),
      crew_(request.context.threads, request.cpus) {
  // Assigning a value touches every page, so that no first touch falls into a timed slice.
  measured_.sample_ns.assign(request.samples, 0);
  measured_.sample_cpu_ns.assign(request.samples, 0);
  measured_.sample_ns.clear();
  measured_.sample_cpu_ns.clear();
  measured_.rss_time_line.assign(request.samples + 1, {});
  measured_.rss_time_line.clear();
  measured_.rss_after_free.reserve(request.watch_ms.size());
  measured_.turn_ns.assign(request.turns.count, 0);
  measured_.turn_ns.clear();
  if (request.mode == Mode::turns) {
    for (auto* const each : {&measured_.sample_collections, &measured_.sample_full_collections}) {
      each->assign(request.samples, 0);
      each->clear();
    }
  }
  if (request.extra.per_mille != 0) extra_.emplace(request.extra, slice_units_, request.samples);
  bool const batches = request.mode == Mode::time || request.turns.batches;
  if (request.turns.batches && request.units <= most_unit_stamps) {
    measured_.batch_ns.assign(request.units * request.context.threads, 0);
    measured_.batch_ns.clear();
  }
  if (batches && slice_units_ <= most_unit_stamps) {
    unit_ends_.assign(request.context.threads, std::vector<std::uint64_t>(slice_units_, 0));
  }
}

void Invocation::set_up() {
  auto const count_read =
      request_.mode == Mode::count ? counter<CountRead>(count_read_symbol) : CountRead(nullptr);
  if (request_.mode == Mode::count) counter<CountReset>(count_reset_symbol)();
  if (request_.dirty_heap) {
    crew_.run([this](std::uint32_t thread) { strew_litter(request_.context.seed, thread); });
  }
  memory_.reset_peak();
  measured_.rss_start_bytes = memory_.resident_bytes();
  hold_extra_memory();
  measured_.clock_setup_ns = now_ns();

  bool const oracle = request_.mode == Mode::presence && request_.entry->make_oracle != nullptr;
  auto const make = request_.mode == Mode::split ? request_.entry->make_split
                    : oracle                     ? request_.entry->make_oracle
                                                 : request_.entry->make;
  instance_ = make(request_.context, request_.heap);
  measured_.ops_per_unit = instance_->ops_per_unit();
  measured_.managed = instance_->managed();
  if (!measured_.managed) {  // what is built so far are tables of the workload's own
    if (count_read != nullptr) counter<CountReset>(count_reset_symbol)();
    memory_.reset_peak();
    measured_.rss_start_bytes = memory_.resident_bytes();
  }
  batches_ = !unit_ends_.empty() && measured_.ops_per_unit * batch_factor >= batch_ops &&
             measured_.ops_per_unit <= batch_ops * batch_factor;
  crew_.run([this](std::uint32_t thread) { instance_->setup(thread); });
  if (request_.warmup_units > 0) {
    crew_.run([this](std::uint32_t thread) { instance_->run(thread, request_.warmup_units, {}); });
  }
  // Two full collections: what start-up left behind is gone, and survivors are where they stay.
  instance_->collect(0);
  instance_->collect(0);
  if (count_read != nullptr) measured_.total_bytes_warm = count_read().total_bytes;
  if (request_.mode == Mode::split) time_first_touch();  // and once more after the slices
  measured_.before = instance_->stats();
  usage_start_ = process_usage();
  collections_ = sum(measured_.before.collections);
  instance_->start_line();
  run_delay_before_ns_ = run_delay_ns();
  start_line_ns_ = now_ns();
  measured_.setup_ns = start_line_ns_ - measured_.clock_setup_ns;
  measured_.rss_time_line.emplace_back(0, memory_.resident_bytes());
}

// Held by the process for as long as it lives, and no part of any heap.
void Invocation::hold_extra_memory() {
  if (request_.extra.bytes == 0) return;
  void* const held = mmap(nullptr, request_.extra.bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (held == MAP_FAILED) throw UserError("the extra memory cannot be mapped");
}

void Invocation::settle(std::uint64_t units, std::uint64_t& taken_ns, std::uint64_t& cpu_ns) {
  taken_ns = extra_->book(taken_ns, units, ahead_ns_);
  cpu_ns = extra_->book(cpu_ns, units, ahead_cpu_ns_);
  bool collected = false;
  if (measured_.managed) {
    std::uint64_t const now = sum(instance_->stats().collections);
    collected = now != std::exchange(collections_, now);
  }
  std::uint64_t const more = extra_->end_sample(collected);
  if (more != 0) {
    std::uint64_t const cpu_before_ns = process_cpu_ns();
    std::uint64_t const more_ns = timed_units(more);
    taken_ns += extra_->book(more_ns, more, ahead_ns_);
    cpu_ns += extra_->book(process_cpu_ns() - cpu_before_ns, more, ahead_cpu_ns_);
    // Those that the extra work brought about are no cause of more of it.
    if (measured_.managed) collections_ = sum(instance_->stats().collections);
  }
  measured_.extra_units = extra_->units_run();
}

std::uint64_t Invocation::run_slice() {
  CHURN_CHECK(measured_.sample_ns.size() < request_.samples);
  std::uint64_t const cpu_before_ns = process_cpu_ns();
  Crew::Makespan const makespan = timed_slice(slice_units_);
  std::uint64_t const extra_units = extra_ ? extra_->begin_sample() : 0;
  std::uint64_t taken_ns = makespan.ns() + (extra_units == 0 ? 0 : timed_units(extra_units));
  std::uint64_t cpu_ns = process_cpu_ns() - cpu_before_ns;
  if (extra_) settle(slice_units_ + extra_units, taken_ns, cpu_ns);
  measured_.sample_cpu_ns.push_back(cpu_ns);
  measured_.sample_ns.push_back(taken_ns);
  measured_.rss_time_line.emplace_back(makespan.end_ns - start_line_ns_, memory_.resident_bytes());
  if (batches_) record_batches(makespan);
  return taken_ns;
}

// Batches have stamps where the slice is as long as all others.
Crew::Makespan Invocation::timed_slice(std::uint64_t units) {
  bool const stamped = batches_ && units == slice_units_;
  return crew_.run([&](std::uint32_t thread) {
    UnitTimes times;
    if (stamped) {
      auto& ends = unit_ends_[thread];
      times = {ends.data(), ends.data() + ends.size()};
    }
    instance_->run(thread, units, times);
  });
}

void Invocation::record_batches(Crew::Makespan makespan) {
  std::uint64_t slowest_ns = measured_.slowest_batch_ns.value_or(0);
  for (auto const& ends : unit_ends_) {
    std::uint64_t last_ns = makespan.start_ns;
    for (std::uint64_t const end_ns : ends) {
      slowest_ns = std::max(slowest_ns, end_ns - last_ns);
      last_ns = end_ns;
    }
  }
  measured_.slowest_batch_ns = slowest_ns;
}

void Invocation::keep_batches(Crew::Makespan makespan) {
  for (auto const& ends : unit_ends_) {
    std::uint64_t last_ns = makespan.start_ns;
    for (std::uint64_t const end_ns : ends) {
      measured_.batch_ns.push_back(end_ns - last_ns);
      last_ns = end_ns;
    }
  }
}

std::optional<std::uint64_t> Invocation::run_delay_ns() {
  std::atomic<std::uint64_t> all_ns{0};
  std::atomic<bool> known{true};
  crew_.run([&](std::uint32_t) {
    auto const own_ns = own_run_delay_ns();
    if (!own_ns) known.store(false, std::memory_order_relaxed);
    all_ns.fetch_add(own_ns.value_or(0), std::memory_order_relaxed);
  });
  return known ? std::optional(all_ns.load()) : std::nullopt;
}

void Invocation::park() {
  instance_->quiesce();
  // The kernel books a thread's time at ticks, at switches, and when the thread itself asks. What
  // the others have used up to now must not be booked while they are parked.
  crew_.run([](std::uint32_t) { read_clock_ns(CLOCK_THREAD_CPUTIME_ID); });
  crew_.rest();
  parked_since_cpu_ns_ = process_cpu_ns();
}

// What a turn leaves to the background is its own cost: it is timed with it. Resident memory is
// read once a turn, since that takes longer than a short sample may be disturbed.
void Invocation::run_turn() {
  measured_.parked_cpu_ns += process_cpu_ns() - parked_since_cpu_ns_;
  instance_->resume();
  std::uint64_t spent_ns = 0;
  for (std::uint64_t i = 0; i < request_.samples / request_.turns.count; ++i) {
    std::uint64_t const units = slice_units_ + (extra_ ? extra_->begin_sample() : 0);
    std::uint64_t const cpu_before_ns = process_cpu_ns();
    Crew::Makespan const makespan = timed_slice(units);
    std::uint64_t taken_ns = makespan.ns();
    std::uint64_t cpu_ns = process_cpu_ns() - cpu_before_ns;
    if (extra_) settle(units, taken_ns, cpu_ns);
    measured_.sample_ns.push_back(taken_ns);
    measured_.sample_cpu_ns.push_back(cpu_ns);
    spent_ns += taken_ns;
    if (batches_ && units == slice_units_) keep_batches(makespan);
    if (measured_.managed) record_collections();
  }
  std::uint64_t const end_ns = now_ns();
  park();
  measured_.turn_ns.push_back(spent_ns + (measured_.managed ? now_ns() - end_ns : 0));
  measured_.rss_time_line.emplace_back(end_ns - start_line_ns_, memory_.resident_bytes());
}

void Invocation::record_collections() {
  Stats const now = instance_->stats();
  measured_.sample_collections.push_back(sum(now.collections) - sum(measured_.before.collections));
  measured_.sample_full_collections.push_back(now.collections.back() -
                                              measured_.before.collections.back());
}

std::uint64_t Invocation::timed_units(std::uint64_t units) {
  return crew_.run([&](std::uint32_t thread) { instance_->run(thread, units, {}); }).ns();
}

void Invocation::pilot() {
  std::uint64_t units = 1;
  std::uint64_t taken_ns = timed_units(units);
  while (taken_ns < request_.target_ns) {
    // At most eightfold a step, since the first slices are cold and say little about later ones.
    std::uint64_t const wanted = taken_ns == 0 ? 8 : request_.target_ns / taken_ns + 1;
    units *= std::clamp<std::uint64_t>(wanted, 2, 8);
    taken_ns = timed_units(units);
  }
  measured_.slice_units = units;
  measured_.slice_ns = std::min(taken_ns, timed_units(units));
}

void Invocation::look() {
  for (std::uint64_t i = 0; i < request_.samples; ++i) {
    timed_units(slice_units_);
    measured_.present.push_back(instance_->present());
  }
}

void Invocation::live() {
  for (std::uint64_t i = 0; i < request_.samples; ++i) timed_units(slice_units_);
  measured_.rss_before_free_bytes = memory_.resident_bytes();
}

// The process calls nothing meanwhile: an allocator that gives memory back only when it is called
// does not do so here.
void Invocation::watch_freed_memory() {
  crew_.rest();
  std::uint64_t const freed_ns = now_ns();
  for (std::uint64_t const wanted_ms : request_.watch_ms) {
    std::uint64_t const until_ns = freed_ns + wanted_ms * 1'000'000;
    timespec const until{static_cast<time_t>(until_ns / 1'000'000'000),
                         static_cast<long>(until_ns % 1'000'000'000)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
    }
    measured_.rss_after_free.emplace_back(wanted_ms, memory_.resident_bytes());
  }
}

// The first one frees what the slices left; the second one visits the live objects and no others.
void Invocation::time_full_collection() {
  instance_->collect(0);
  std::uint64_t const collections = instance_->stats().collections.back();
  std::uint64_t const start_ns = now_ns();
  instance_->collect(0);
  std::uint64_t const taken_ns = now_ns() - start_ns;
  Stats const stats = instance_->stats();
  if (stats.collections.back() == collections) return;
  measured_.full_collection_ns = taken_ns;
  measured_.full_collection_objects = stats.present_objects();
}

// What never reclaims takes a new page for each old one; that is the kernel's price, not a part's.
void Invocation::time_first_touch() {
  constexpr std::size_t pages = 4096;
  auto* const start = static_cast<std::byte volatile*>(map_pages(pages * page_bytes));
  if (start == nullptr) return;
  std::uint64_t const before_ns = read_clock_ns(CLOCK_THREAD_CPUTIME_ID);
  for (std::size_t i = 0; i < pages; ++i) start[i * page_bytes] = std::byte{1};
  measured_.first_touch_ns += read_clock_ns(CLOCK_THREAD_CPUTIME_ID) - before_ns;
  measured_.first_touch_pages += pages;
  unmap_pages(const_cast<std::byte*>(start), pages * page_bytes);
}

void Invocation::finish() {
  if (request_.mode == Mode::turns) instance_->resume();
  measured_.timed_ns = now_ns() - start_line_ns_;
  measured_.usage = process_usage() - usage_start_;
  measured_.after = instance_->stats();
  measured_.peak_rss_bytes = memory_.peak_bytes();
  if (auto const now = run_delay_ns(); now && run_delay_before_ns_) {
    measured_.run_delay_ns = *now - *run_delay_before_ns_;
  }
  if (measured_.managed && request_.mode == Mode::time) time_full_collection();
  if (request_.mode == Mode::split) time_first_touch();
  std::atomic<std::uint64_t> checksum{0};
  crew_.run([&](std::uint32_t thread) {
    checksum.fetch_add(instance_->check(thread), std::memory_order_relaxed);
  });
  measured_.checksum = checksum.load();
  measured_.figures = instance_->figures();
  if (request_.mode == Mode::count) {
    measured_.count = counter<CountRead>(count_read_symbol)();
  }
  keep_one_of = request_.keep_one_of;
  crew_.run([this](std::uint32_t thread) { instance_->teardown(thread); });
  keep_one_of = 0;
  if (request_.mode == Mode::life) watch_freed_memory();
  measured_.at_end = instance_->stats();
  if (!measured_.managed) measured_.rss_after_free_bytes = memory_.resident_bytes();
}

}  // namespace churn::cell
