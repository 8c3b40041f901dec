// Recursive work, split by fork and join on oneTBB: each fork may be stolen, so what a task made is
// often read and freed by another thread, the one that joins. The threads of the cell are the
// workers; what oneTBB itself needs it takes from its own allocator.
//
// oneTBB is loaded where this workload runs, so that no other cell has it in its memory.
#include <dlfcn.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "harness/core/error.hpp"
#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"
#include "workloads/fork_join/pool.hpp"
#include "workloads/parts/block.hpp"
#include "workloads/parts/sizes.hpp"
#include "workloads/parts/units.hpp"

namespace churn::fork_join {

extern MallocWorkload const workload;

namespace {

constexpr std::array parameters{
    ParameterInfo{"depth", 6, 0, 20, "of the forks: 2^depth tasks that make blocks"},
    ParameterInfo{"blocks", 256, 1, 1'000'000, "that each of them makes"},
    ParameterInfo{"min", 16, 16, 1 << 30, "bytes of the smallest block"},
    ParameterInfo{"max", 256, 16, 1 << 30, "bytes of the greatest block"},
};

constexpr WorkloadInfo info{
    .name = "fork-join",
    .summary = "tasks that make blocks, joined and freed by whichever thread is there (oneTBB)",
    .source = "Blumofe and Leiserson, Scheduling multithreaded computations by work stealing, 1999",
    .op = "one block made by a task, read and freed by the one that joins it",
    .parameters = parameters,
    .min_threads = 1,
    .max_threads = 64,
};

// Looked for beside the program.
Functions const& pool_functions() {
  static Functions const* const functions = [] {
    void* const library = dlopen(library_name, RTLD_NOW | RTLD_LOCAL);
    void* const found = library == nullptr ? nullptr : dlsym(library, functions_symbol);
    if (found == nullptr) {
      throw UserError("malloc/fork-join needs " + std::string(library_name) + ": " + dlerror());
    }
    return static_cast<Functions const*>(found);
  }();
  return *functions;
}

// A list of blocks that name each other, the first word of each; a stamp is the second.
struct List {
  std::byte* head = nullptr;
  std::uint64_t sum = 0;  // of what was freed
};

class ForkJoin final : public Instance {
 public:
  explicit ForkJoin(WorkloadContext const& context)
      : sizes_(SizeRange::of(context, info.name)),
        depth_(static_cast<std::uint32_t>(context["depth"])),
        blocks_(static_cast<std::uint64_t>(context["blocks"])),
        seed_(context.seed),
        functions_(pool_functions()),
        pool_(functions_.make(context.threads)),
        seats_(context.threads) {}
  ~ForkJoin() override { functions_.destroy(pool_); }

  std::uint64_t ops_per_unit() const noexcept override { return blocks_ << depth_; }
  void setup(std::uint32_t) override {}

  void run(std::uint32_t thread, std::uint64_t units, UnitTimes times) override {
    run_units(units, times, [&] {
      Seat& seat = seats_[thread];
      Task root{this, depth_, mix(mix(seed_, thread), seat.units++), {}};
      functions_.enter(pool_, run_task, &root);
      seat.sum = mix(seat.sum, freed(root.list));
    });
  }
  std::uint64_t check(std::uint32_t thread) override { return seats_[thread].sum; }
  void teardown(std::uint32_t) override {}

 private:
  struct alignas(128) Seat {
    std::uint64_t units = 0, sum = 0;
  };
  struct Task {
    ForkJoin* self;
    std::uint32_t depth;
    std::uint64_t stamp;
    List list;
  };

  static void run_task(void* erased) noexcept {
    Task& task = *static_cast<Task*>(erased);
    task.self->perform(task);
  }

  // A join frees what the two halves made; at the top, whoever asked frees the rest.
  void perform(Task& task) noexcept {
    if (task.depth == 0) return make_blocks(task);
    Task first{this, task.depth - 1, mix(task.stamp, 1), {}};
    Task second{this, task.depth - 1, mix(task.stamp, 2), {}};
    functions_.fork(run_task, &first, &second);
    task.list.sum = mix(freed(first.list), freed(second.list));
  }

  CHURN_NEVER_INLINE void make_blocks(Task& task) const noexcept {
    Random random(task.stamp);
    for (std::uint64_t i = 0; i < blocks_; ++i) {
      std::uint64_t const draw = random.next();
      std::size_t const bytes = sizes_.pick(static_cast<std::uint32_t>(draw >> 32));
      std::byte* const start = unstamped(bytes);
      set_word(start, reinterpret_cast<std::uintptr_t>(task.list.head), 0);
      set_word(start, draw, 1);
      task.list.head = start;
    }
  }
  CHURN_NEVER_INLINE static std::uint64_t freed(List list) noexcept {
    std::uint64_t sum = list.sum;
    while (list.head != nullptr) {
      std::byte* const block = list.head;
      list.head = reinterpret_cast<std::byte*>(static_cast<std::uintptr_t>(word(block)));
      sum = 3 * sum + word(block, 1);
      std::free(block);
    }
    return sum;
  }

  SizeRange const sizes_;
  std::uint32_t const depth_;
  std::uint64_t const blocks_, seed_;
  Functions const& functions_;
  Pool* const pool_;
  std::vector<Seat> seats_;
};

std::unique_ptr<Instance> make(WorkloadContext const& context) {
  return std::make_unique<ForkJoin>(context);
}

}  // namespace

MallocWorkload const workload{&info, make};

}  // namespace churn::fork_join
