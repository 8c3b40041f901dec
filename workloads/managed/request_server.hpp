// What:  a server that answers requests which arrive when they will: each builds a small graph of
//        objects, works on it, leaves a response with its session and drops the rest.
// Why:   throughput hides pauses and a closed loop hides their victims. Here a request is late from
//        the moment at which it was due.
// Op:    one object of a request: allocated, linked, read, dropped. Requests come at a fixed rate,
//        so the time per op says only whether the server keeps up; the latencies are the result.
// How:   parts/arrivals.hpp says when a request is due. Latency is the time from there to the
//        answer, waiting included. While nothing is due the thread polls the clock and its
//        safepoint. A unit serves a fixed number of requests, whatever the time they take, so all
//        back ends do the same work.
// Invariant: between units each session holds its latest responses.
// Source: G. Tene, How NOT to measure latency, 2013.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "harness/core/contracts.hpp"
#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"
#include "workloads/parts/arrivals.hpp"
#include "workloads/parts/payload.hpp"
#include "workloads/parts/units.hpp"

namespace churn::request_server {

inline constexpr std::array parameters{
    ParameterInfo{"rate", 50'000, 1'000, 10'000'000, "requests that each thread gets in a second"},
    ParameterInfo{"objects", 20, 2, 1'000'000, "that one request allocates"},
    ParameterInfo{"sessions", 1'000, 1, 4'000'000, "of each thread, with four responses each"},
};

inline constexpr WorkloadInfo info{
    .name = "request-server",
    .summary = "requests that arrive on their own schedule, and how late they are answered",
    .source = "after Tene, How NOT to measure latency, 2013",
    .op = "one object of a request; paced by arrivals, so look at the latencies",
    .parameters = parameters,
    .min_threads = 1,
    .max_threads = 64,
    .disposes = true,
    .why_unranked = "requests arrive by the clock, which sets the time per op; see the latencies",
};

template <class M>
class Workload {
  using Ref = typename M::Ref;
  using Local = typename M::Local;

 public:
  explicit Workload(WorkloadContext const& context)
      : objects_(static_cast<std::uint32_t>(context["objects"])),
        sessions_(static_cast<std::uint32_t>(context["sessions"])),
        requests_per_unit_(rounds_per_unit(objects_)) {
    for (std::uint32_t thread = 0; thread < context.threads; ++thread) {
      seats_.emplace_back(context, thread);
    }
  }

  std::uint64_t ops_per_unit() const noexcept { return requests_per_unit_ * objects_; }

  [[gnu::cold]] void setup(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    seat.table.emplace(m);
    m.allocate(**seat.table, table_shape());
    typename M::template Frame<2> frame(m);
    for (std::uint32_t i = 0; i < sessions_; ++i) {
      m.allocate(frame[0], session);
      for (std::uint32_t slot = 0; slot < session.slots; ++slot) {
        respond(m, frame[1], seat.random.next());
        m.write(frame[0].get(), slot, std::move(frame[1]));
      }
      m.write((**seat.table).get(), i, std::move(frame[0]));
    }
  }

  void run(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    seat.arrivals.begin_unit();
    for (std::uint64_t i = 0; i < requests_per_unit_; ++i) {
      std::uint64_t const due_ns = seat.arrivals.await([&] { m.safepoint(); });
      serve(m, seat);
      seat.arrivals.answered(due_ns);
    }
  }

  [[gnu::cold]] std::uint64_t check(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    std::uint64_t sum = seat.sum;
    for (std::uint32_t i = 0; i < sessions_; ++i) {
      Ref const holder = m.read((**seat.table).get(), i);
      for (std::uint32_t slot = 0; slot < session.slots; ++slot) {
        sum = mix(sum, value(m, m.read(holder, slot)));
      }
      sum += word(m.payload(holder, session));
    }
    return sum;
  }

  void start_line() {
    for (Seat& seat : seats_) seat.arrivals.start_line();
  }
  std::vector<Figure> figures() {
    Histogram all;
    for (Seat const& seat : seats_) all.add(seat.arrivals.latencies());
    std::vector<Figure> result;
    add_percentiles(result, latency_names, all);
    return result;
  }

  [[gnu::cold]] void dispose(M& m, std::uint32_t thread)
    requires Releases<M>
  {
    Ref const table = (**seats_[thread].table).get();
    for (std::uint32_t i = 0; i < sessions_; ++i) {
      Ref const holder = m.read(table, i);
      for (std::uint32_t slot = 0; slot < session.slots; ++slot) {
        m.release(m.read(holder, slot), response);
      }
      m.release(holder, session);
    }
    m.release(table, table_shape());
  }

  void teardown(M&, std::uint32_t thread) { seats_[thread].table.reset(); }

 private:
  // A session counts its requests; an item names the next one and the request's session.
  static constexpr Shape session{4, 8}, request{2, 8}, item{2, 8}, response{0, 16};
  static constexpr std::uint32_t next = 0, of_session = 1;

  struct alignas(128) Seat {
    Seat(WorkloadContext const& context, std::uint32_t thread)
        : random(Random::fork(context.seed, thread)),
          arrivals(Arrivals::stream(context.seed, thread),
                   1e9 / static_cast<double>(context["rate"])) {}
    Random random;
    Arrivals arrivals;
    std::uint64_t sum = 0;
    std::optional<typename M::Root> table;
  };

  Shape table_shape() const noexcept { return {sessions_, 0}; }

  CHURN_ALWAYS_INLINE void respond(M& m, Local& out, std::uint64_t answer) {
    m.allocate(out, response);
    std::byte* const payload = m.payload(out.get(), response);
    set_word(payload, answer, 0);
    set_word(payload, ~answer, 1);
  }
  std::uint64_t value(M& m, Ref of) noexcept {
    std::byte const* const payload = m.payload(of, response);
    return word(payload, 0) - 3 * word(payload, 1);
  }

  void serve(M& m, Seat& seat) {
    typename M::template Frame<3> frame(m);
    Local &asked = frame[0], &fresh = frame[1], &answer = frame[2];
    auto const whose = static_cast<std::uint32_t>(seat.random.below(sessions_));
    m.allocate(asked, request);
    set_word(m.payload(asked.get(), request), seat.random.next());
    m.write_new(asked.get(), of_session, m.read((**seat.table).get(), whose));
    for (std::uint32_t left = objects_ - 2; left > 0; --left) {
      m.allocate(fresh, item);
      Ref const added = fresh.get(), head = asked.get();
      set_word(m.payload(added, item), word(m.payload(head, request)) + left);
      m.write_new(added, of_session, m.read(head, of_session));
      m.take(answer, head, next);
      m.write_new(added, next, std::move(answer));
      m.write(head, next, std::move(fresh));
    }
    respond(m, answer, work_off(m, asked.get()));
    Ref const holder = m.read((**seat.table).get(), whose);
    std::byte* const count = m.payload(holder, session);
    auto const slot = static_cast<std::uint32_t>(word(count) % session.slots);
    set_word(count, word(count) + 1);
    Ref const oldest = m.read(holder, slot);
    seat.sum = mix(seat.sum, value(m, oldest));
    if constexpr (Releases<M>) {
      m.release(oldest, response);
      release_request(m, asked.get());
    }
    m.write(holder, slot, std::move(answer));
  }

  // The work: each item is read, and found to be of the request's session.
  std::uint64_t work_off(M& m, Ref asked) {
    Ref const whose = m.read(asked, of_session);
    std::uint64_t sum = word(m.payload(asked, request));
    Ref at = m.read(asked, next);
    for (std::uint32_t left = objects_ - 2; left > 0; --left) {
      sum = 3 * sum + word(m.payload(at, item)) + (m.read(at, of_session) == whose);
      at = m.read(at, next);
    }
    return at == Ref{} ? sum : ~sum;
  }

  void release_request(M& m, Ref asked)
    requires Releases<M>
  {
    Ref at = m.read(asked, next);
    for (std::uint32_t left = objects_ - 2; left > 0; --left) {
      Ref const following = m.read(at, next);
      m.release(at, item);
      at = following;
    }
    m.release(asked, request);
  }

  std::uint32_t const objects_, sessions_;
  std::uint64_t const requests_per_unit_;
  std::deque<Seat> seats_;  // of roots, which do not move
};

}  // namespace churn::request_server
