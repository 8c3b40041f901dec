// A server whose calls are timed one by one: requests arrive by their own schedule, each makes some
// blocks, writes them, frees most of them, and leaves the rest to the next thread, as a response
// that somebody else sends. What is told is how long single calls take, the slow ones above all.
//
// Each call lies between two readings of the clock. What these take of their own is measured
// before, as the least of many pairs with nothing between them, and taken off.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "harness/core/clock.hpp"
#include "harness/core/histogram.hpp"
#include "harness/core/let_go.hpp"
#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"
#include "workloads/parts/arrivals.hpp"
#include "workloads/parts/block.hpp"
#include "workloads/parts/hand_over.hpp"
#include "workloads/parts/page_array.hpp"
#include "workloads/parts/sizes.hpp"
#include "workloads/parts/units.hpp"

namespace churn::request_server {

extern MallocWorkload const workload;

namespace {

constexpr std::array parameters{
    ParameterInfo{"rate", 20'000, 1'000, 10'000'000, "requests that each thread gets in a second"},
    ParameterInfo{"blocks", 20, 2, 10'000, "that one request makes"},
    ParameterInfo{"left", 5, 0, 10'000, "of them that the next thread frees; at most all"},
    ParameterInfo{"max", 4'096, 16, 1 << 24, "bytes of the greatest block; small ones are many"},
    ParameterInfo{"sessions", 2'000, 1, 4'000'000, "of each thread, with one live block each"},
};

constexpr PercentileNames malloc_names{"malloc_p50_ns", "malloc_p99_ns", "malloc_p999_ns",
                                       "malloc_p9999_ns", "malloc_max_ns"};
constexpr PercentileNames local_names{"local_free_p50_ns", "local_free_p99_ns",
                                      "local_free_p999_ns", "local_free_p9999_ns",
                                      "local_free_max_ns"};
constexpr PercentileNames remote_names{"remote_free_p50_ns", "remote_free_p99_ns",
                                       "remote_free_p999_ns", "remote_free_p9999_ns",
                                       "remote_free_max_ns"};

constexpr WorkloadInfo info{
    .name = "request-server",
    .summary = "requests on their own schedule; how long single calls of malloc and free take",
    .source = "after Tene, How NOT to measure latency, 2013",
    .op = "one block of a request; paced by arrivals, so look at the latencies",
    .parameters = parameters,
    .min_threads = 1,
    .max_threads = 64,
    .why_unranked = "requests arrive by the clock, which sets the time per op; see the latencies",
};

// What two readings of the clock take with nothing between them.
std::uint64_t clock_cost_ns() noexcept {
  std::uint64_t least = ~std::uint64_t{0};
  for (int i = 0; i < 10'000; ++i) {
    std::uint64_t const before = now_ns();
    least = std::min(least, now_ns() - before);
  }
  return least;
}

class RequestServer final : public Instance {
 public:
  explicit RequestServer(WorkloadContext const& context)
      : blocks_(static_cast<std::uint64_t>(context["blocks"])),
        left_(std::min(static_cast<std::uint64_t>(context["left"]), blocks_ - 1)),
        sessions_(static_cast<std::uint64_t>(context["sessions"])),
        greatest_(static_cast<std::size_t>(context["max"])),
        requests_per_unit_(rounds_per_unit(blocks_)),
        clock_cost_ns_(clock_cost_ns()),
        hand_over_(context.threads, std::max<std::uint64_t>(left_ * requests_per_unit_, 1)) {
    seats_.reserve(context.threads);
    for (std::uint32_t thread = 0; thread < context.threads; ++thread) {
      seats_.emplace_back(context, thread, sessions_, blocks_);
    }
  }

  std::uint64_t ops_per_unit() const noexcept override { return requests_per_unit_ * blocks_; }

  void setup(std::uint32_t thread) override {
    Seat& seat = seats_[thread];
    for (std::uint64_t i = 0; i < sessions_; ++i) seat.sessions[i] = make_block(seat.random);
  }

  void run(std::uint32_t thread, std::uint64_t units, UnitTimes times) override {
    Seat& seat = seats_[thread];
    // With one thread what was left is its own.
    Histogram& left = seats_.size() == 1 ? seat.local : seat.remote;
    run_units(units, times, [&] {
      hand_over_.begin(thread, [&](Block block) { seat.sum += timed_free(block, left); });
      seat.arrivals.begin_unit();
      for (std::uint64_t i = 0; i < requests_per_unit_; ++i) {
        std::uint64_t const due_ns = seat.arrivals.await([] {});
        serve(thread, seat);
        seat.arrivals.answered(due_ns);
      }
      hand_over_.end(thread);
    });
  }

  std::uint64_t check(std::uint32_t thread) override {
    std::uint64_t sum = hand_over_.sum(thread, seats_[thread].sum);
    for (std::uint64_t i = 0; i < sessions_; ++i) sum = mix(sum, seats_[thread].sessions[i].sum());
    return sum;
  }
  void teardown(std::uint32_t thread) override {
    hand_over_.let_go(thread);
    for (std::uint64_t i = 0; i < sessions_; ++i) let_go(seats_[thread].sessions[i].start);
  }

  void start_line() override {
    for (Seat& seat : seats_) {
      seat.arrivals.start_line();
      for (Histogram* const each : {&seat.mallocs, &seat.local, &seat.remote}) each->clear();
    }
  }
  std::vector<Figure> figures() override {
    auto const all = std::make_unique<std::array<Histogram, 4>>();
    for (Seat const& seat : seats_) {
      (*all)[0].add(seat.arrivals.latencies());
      (*all)[1].add(seat.mallocs);
      (*all)[2].add(seat.local);
      (*all)[3].add(seat.remote);
    }
    std::vector<Figure> result;
    add_percentiles(result, latency_names, (*all)[0]);
    add_percentiles(result, malloc_names, (*all)[1]);
    add_percentiles(result, local_names, (*all)[2]);
    add_percentiles(result, remote_names, (*all)[3]);
    return result;
  }

 private:
  struct alignas(128) Seat {
    Seat(WorkloadContext const& context, std::uint32_t thread, std::size_t sessions,
         std::size_t blocks)
        : random(Random::fork(context.seed, thread)),
          arrivals(Arrivals::stream(context.seed, thread),
                   1e9 / static_cast<double>(context["rate"])),
          sessions(sessions),
          request(blocks) {}
    Random random;
    Arrivals arrivals;
    std::uint64_t sum = 0;
    PageArray<Block> sessions, request;
    Histogram mallocs, local, remote;
  };

  // Each octave is half as likely as the one below it.
  std::size_t size(std::uint64_t draw) const noexcept {
    std::size_t const low = std::size_t{16} << __builtin_ctzll(draw | 1u << 24);
    return std::min(low + scaled(static_cast<std::uint32_t>(draw >> 32), low), greatest_);
  }
  Block make_block(Random& random) const noexcept {
    std::uint64_t const draw = random.next();
    return Block::make(size(draw), draw);
  }

  void record(Histogram& into, std::uint64_t before_ns) const noexcept {
    std::uint64_t const taken_ns = now_ns() - before_ns;
    into.record(taken_ns - std::min(taken_ns, clock_cost_ns_));
  }
  // The first touch is not the call's.
  Block timed_block(Seat& seat) const noexcept {
    std::uint64_t const draw = seat.random.next();
    std::size_t const bytes = size(draw);
    std::uint64_t const before_ns = now_ns();
    std::byte* const start = unstamped(bytes);
    record(seat.mallocs, before_ns);
    return Block::stamped(start, bytes, draw);
  }
  std::uint64_t timed_free(Block block, Histogram& into) const noexcept {
    std::uint64_t const sum = block.sum();
    std::uint64_t const before_ns = now_ns();
    std::free(block.start);
    record(into, before_ns);
    return sum;
  }

  // Of what a request makes some is left to the next thread, one block stays with its session, and
  // the rest ends with it, the last one first.
  void serve(std::uint32_t thread, Seat& seat) noexcept {
    for (std::uint64_t i = 0; i < blocks_; ++i) seat.request[i] = timed_block(seat);
    for (std::uint64_t i = 0; i < left_; ++i) hand_over_.leave(thread, seat.request[i]);
    Block& session = seat.sessions[seat.random.below(sessions_)];
    Block const old = std::exchange(session, seat.request[left_]);
    for (std::uint64_t i = blocks_; i-- > left_ + 1;) {
      seat.sum += timed_free(seat.request[i], seat.local);
    }
    seat.sum += timed_free(old, seat.local);
  }

  std::uint64_t const blocks_, left_, sessions_;
  std::size_t const greatest_;
  std::uint64_t const requests_per_unit_, clock_cost_ns_;
  HandOver hand_over_;
  std::vector<Seat> seats_;
};

std::unique_ptr<Instance> make(WorkloadContext const& context) {
  return std::make_unique<RequestServer>(context);
}

}  // namespace

MallocWorkload const workload{&info, make};

}  // namespace churn::request_server
