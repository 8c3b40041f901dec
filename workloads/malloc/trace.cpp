// A recorded program, call by call: the same sizes in the same order, in as many threads as lived
// at once, a block freed by the thread that freed it and only after its maker made it.
//
// `churn` compiles the trace before (harness/core/replay_program.hpp); what is timed is a loop over
// words, each with the number of a slot. Between lanes there is one counter each, which only its
// lane advances: who frees another's block waits for that counter. Without a file, a small program
// is made up here.
#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "harness/core/error.hpp"
#include "harness/core/random.hpp"
#include "harness/core/replay_program.hpp"
#include "harness/core/workload.hpp"
#include "workloads/parts/announcements.hpp"
#include "workloads/parts/page_array.hpp"

namespace churn::trace {

extern MallocWorkload const workload;

namespace {

using replay::Code;

constexpr std::array<std::string_view, 3> touch_words{"none", "first", "all"};
enum Touch : int { none, first, all };

constexpr std::array parameters{
    ParameterInfo{"touch", Touch::first, Touch::none, Touch::all,
                  "bytes of a new block that are written: none, the first, all", touch_words}};

constexpr WorkloadInfo info{
    .name = "trace",
    .summary = "a recorded program's calls, as trace:FILE; without a file a small made-up one",
    .source = "the program that was recorded",
    .op = "one call of the malloc family",
    .parameters = parameters,
    .min_threads = 1,
    .max_threads = replay::most_lanes,
    .reads_file = true,
};

// A program of its own lanes, each keeping a ring of blocks and handing every 16th to the next.
std::vector<std::uint64_t> made_up(std::uint64_t seed, std::uint32_t lanes) {
  constexpr std::uint32_t steps = 1024, ring = 64, every = 16, handed = steps / every;
  replay::ReplayHeader header;
  header.magic = replay::program_magic;
  header.lanes = lanes;
  header.slots = lanes * (ring + handed);
  std::vector<std::uint64_t> words;
  auto const put = [&](Code code, std::uint32_t detail, std::uint32_t slot) {
    words.push_back(replay::word_of(code, detail, slot));
    header.calls += code != Code::announce && code != Code::await;
  };
  for (std::uint32_t lane = 0; lane < lanes; ++lane) {
    std::uint32_t const own = lane * ring, giver = (lane + lanes - 1) % lanes;
    auto const handed_by = [&](std::uint32_t who, std::uint32_t which) {
      return lanes * ring + who * handed + which;
    };
    Random random = Random::fork(seed, lane);
    replay::Lane& into = header.lane[lane];
    into.first = words.size();
    for (std::uint32_t i = 0; i < steps; ++i) {
      auto const bytes = static_cast<std::uint32_t>(16 + random.below(240));
      if (i >= ring) put(Code::free, 0, own + i % ring);
      put(Code::malloc, bytes, own + i % ring);
      into.bytes += bytes;
      if (i % every == 0) {
        put(Code::malloc, bytes, handed_by(lane, i / every));
        into.bytes += bytes;
        put(Code::announce, 0, i / every + 1);
      }
      if (i % every != every / 2) continue;
      put(Code::await, giver, i / every + 1);
      put(Code::free, 0, handed_by(giver, i / every));
    }
    for (std::uint32_t i = 0; i < ring; ++i) put(Code::free, 0, own + i);
    into.words = words.size() - into.first;
    into.announcements = handed;
  }
  std::vector<std::uint64_t> result(sizeof header / sizeof(std::uint64_t));
  std::memcpy(result.data(), &header, sizeof header);
  result.insert(result.end(), words.begin(), words.end());
  return result;
}

// The program, mapped and touched, so that reading it costs no page fault later.
class Program {
 public:
  explicit Program(WorkloadContext const& context) {
    if (context.file.empty()) {
      std::vector<std::uint64_t> const words = made_up(context.seed, context.threads);
      bytes_ = words.size() * sizeof(std::uint64_t);
      start_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (start_ != MAP_FAILED) std::memcpy(start_, words.data(), bytes_);
    } else {
      map(context.file);
    }
    if (start_ == MAP_FAILED) {
      throw UserError("cannot map " + context.file + ": " + std::strerror(errno));
    }
    std::string_view const wrong =
        replay::what_is_wrong(static_cast<std::byte const*>(start_), bytes_);
    if (!wrong.empty()) {
      throw UserError(context.file + " is no compiled trace (" + std::string(wrong) +
                      "); name the trace as trace:FILE, and churn compiles it");
    }
    if (header().lanes == context.threads) return;
    throw UserError(context.file + " was compiled for " + std::to_string(header().lanes) +
                    " threads, not for " + std::to_string(context.threads));
  }
  Program(Program const&) = delete;
  Program& operator=(Program const&) = delete;
  ~Program() {
    if (start_ != MAP_FAILED) munmap(start_, bytes_);
  }

  replay::ReplayHeader const& header() const noexcept {
    return *static_cast<replay::ReplayHeader const*>(start_);
  }
  std::span<std::uint64_t const> lane(std::uint32_t index) const noexcept {
    replay::Lane const& lane = header().lane[index];
    auto const* const words = reinterpret_cast<std::uint64_t const*>(&header() + 1);
    return {words + lane.first, lane.words};
  }

 private:
  void map(std::string const& path) {
    int const file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status{};
    if (file >= 0 && fstat(file, &status) == 0) {
      bytes_ = static_cast<std::size_t>(status.st_size);
      start_ = mmap(nullptr, bytes_, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    }
    if (file >= 0) close(file);
  }

  void* start_ = MAP_FAILED;
  std::size_t bytes_ = 0;
};

struct Slot {
  std::byte* start;
  std::size_t bytes;
};

class Replay final : public Instance {
 public:
  explicit Replay(WorkloadContext const& context)
      : touch_(static_cast<Touch>(context["touch"])),
        program_(context),
        slots_(program_.header().slots),
        seats_(context.threads),
        announcements_(program_.header().lane.data(), context.threads) {}

  std::uint64_t ops_per_unit() const noexcept override {
    std::uint64_t const lanes = program_.header().lanes;
    return (program_.header().calls + lanes - 1) / lanes;
  }
  void setup(std::uint32_t) override {}

  void run(std::uint32_t thread, std::uint64_t units, UnitTimes times) override {
    run_units(units, times, [&] {
      announcements_.begin_pass(thread, seats_[thread].passes);
      switch (touch_) {
        case Touch::none:
          pass<Touch::none>(thread);
          break;
        case Touch::first:
          pass<Touch::first>(thread);
          break;
        case Touch::all:
          pass<Touch::all>(thread);
      }
      announcements_.end_pass(thread, seats_[thread].passes++);
    });
  }

  std::uint64_t check(std::uint32_t thread) override {
    Seat const& seat = seats_[thread];
    if (seat.made_bytes != program_.header().lane[thread].bytes * seat.passes) {
      stop(Outcome::wrong_answer, "lane %u made %llu bytes in %llu passes, and the trace says %llu",
           thread, static_cast<unsigned long long>(seat.made_bytes),
           static_cast<unsigned long long>(seat.passes),
           static_cast<unsigned long long>(program_.header().lane[thread].bytes));
    }
    // Of all threads together, what was made and not ended: nothing.
    return mix(seat.sum, seat.made_bytes) + (seat.made_bytes - seat.ended_bytes);
  }
  void teardown(std::uint32_t) override {}

 private:
  struct alignas(128) Seat {
    std::uint64_t passes = 0, sum = 0, made_bytes = 0, ended_bytes = 0;
  };

  static std::byte stamp_of(std::uint32_t slot) noexcept {
    return static_cast<std::byte>(slot * 167 + 13);
  }

  template <Touch touch>
  CHURN_NEVER_INLINE void pass(std::uint32_t thread) noexcept {
    Seat seat = seats_[thread];  // in registers for the loop
    auto const words = program_.lane(thread);
    for (std::uint64_t const* at = words.data(); at != words.data() + words.size(); ++at) {
      std::uint64_t const word = *at;
      std::uint32_t const number = replay::slot_of(word), detail = replay::detail_of(word);
      switch (replay::code_of(word)) {
        case Code::malloc:
          fill<touch>(seat, number, std::malloc(detail), detail);
          break;
        case Code::free:
          end<touch>(seat, number);
          std::free(slots_[number].start);
          break;
        case Code::calloc:
          fill<touch>(seat, number, std::calloc(1, detail), detail);
          break;
        case Code::realloc:
          resize<touch>(seat, number, detail);
          break;
        case Code::usable:
          seat.sum += malloc_usable_size(slots_[number].start) >= slots_[number].bytes;
          break;
        case Code::announce:
          announcements_.announce(thread, seat.passes, number);
          break;
        case Code::await:
          announcements_.await(detail, seat.passes, number);
          break;
        case Code::wide:
          wide<touch>(seat, number, detail, *++at);
      }
    }
    seats_[thread] = seat;
  }

  template <Touch touch>
  CHURN_ALWAYS_INLINE void fill(Seat& seat, std::uint32_t number, void* block,
                                std::size_t bytes) noexcept {
    if (__builtin_expect(block == nullptr, 0)) refused(bytes);
    auto* const start = static_cast<std::byte*>(block);
    slots_[number] = {start, bytes};
    seat.made_bytes += bytes;
    if (touch == Touch::first && bytes != 0) *start = stamp_of(number);
    if (touch == Touch::all) std::memset(start, static_cast<int>(stamp_of(number)), bytes);
  }

  // Reads back what was written when the block was new.
  template <Touch touch>
  CHURN_ALWAYS_INLINE void end(Seat& seat, std::uint32_t number) noexcept {
    Slot const slot = slots_[number];
    seat.ended_bytes += slot.bytes;
    if (touch == Touch::none || slot.bytes == 0) return;
    seat.sum += static_cast<std::uint64_t>(*slot.start);
    if (touch == Touch::all) seat.sum += static_cast<std::uint64_t>(slot.start[slot.bytes - 1]);
  }

  template <Touch touch>
  CHURN_NEVER_INLINE void resize(Seat& seat, std::uint32_t number, std::size_t bytes) noexcept {
    Slot const before = slots_[number];
    end<touch>(seat, number);
    auto* const start = static_cast<std::byte*>(std::realloc(before.start, bytes));
    if (start != nullptr && touch != Touch::none && before.bytes != 0 && bytes != 0) {
      seat.sum += static_cast<std::uint64_t>(*start);  // it moved with the block
    }
    fill<touch>(seat, number, start, bytes);
  }

  template <Touch touch>
  CHURN_NEVER_INLINE void wide(Seat& seat, std::uint32_t number, std::uint32_t detail,
                               std::size_t bytes) noexcept {
    std::uint32_t const code = detail & replay::wide_aligned;
    if (code == replay::wide_aligned) {
      std::size_t const align = std::size_t{1} << (detail >> replay::wide_code_bits & 63);
      void* block = nullptr;
      int const error = posix_memalign(&block, std::max(align, sizeof(void*)), bytes);
      fill<touch>(seat, number, error == 0 ? block : nullptr, bytes);
    } else if (code == static_cast<std::uint32_t>(Code::realloc)) {
      resize<touch>(seat, number, bytes);
    } else if (code == static_cast<std::uint32_t>(Code::calloc)) {
      fill<touch>(seat, number, std::calloc(1, bytes), bytes);
    } else {
      fill<touch>(seat, number, std::malloc(bytes), bytes);
    }
  }

  [[noreturn]] CHURN_NEVER_INLINE static void refused(std::size_t bytes) noexcept {
    stop(Outcome::out_of_memory, "malloc(%zu) returned NULL", bytes);
  }

  Touch const touch_;
  Program program_;
  PageArray<Slot> slots_;
  std::vector<Seat> seats_;
  replay::Announcements<replay::Spinning> announcements_;
};

std::unique_ptr<Instance> make(WorkloadContext const& context) {
  return std::make_unique<Replay>(context);
}

}  // namespace

MallocWorkload const workload{&info, make};

}  // namespace churn::trace
