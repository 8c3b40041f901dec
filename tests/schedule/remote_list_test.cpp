// Cells that others free, and an owner that takes them back, in every interleaving: each cell comes
// back once.
#include "allocators/parts/remote_list.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>

#include "harness/conform/collector_child.hpp"
#include "tests/schedule/scheduler.hpp"

namespace churn::schedule {
namespace {

using allocators::Cell;
using conform::expect;
using conform::expect_equal;

using List = allocators::RemoteListOf<ScheduledRef>;

// Looks, and then takes: what is pushed in between is lost.
struct TakesInTwoSteps {
  void push(Cell* first, Cell* last) { list.push(first, last); }
  Cell* take_all() {
    ScheduledRef<Cell*> const head(seen());
    Cell* const taken = head.load(std::memory_order_relaxed);
    head.exchange(nullptr, std::memory_order_relaxed);
    return taken;
  }
  Cell*& seen() { return reinterpret_cast<Cell*&>(list); }
  List list;
};
// Links the chain once, to a head that may have changed since.
struct LinksOnce {
  void push(Cell* first, Cell* last) {
    ScheduledRef<Cell*> const head(words);
    last->next = head.load(std::memory_order_relaxed);
    head.exchange(first, std::memory_order_relaxed);
  }
  Cell* take_all() {
    return ScheduledRef<Cell*>(words).exchange(nullptr, std::memory_order_relaxed);
  }
  Cell* words = nullptr;
};

template <class AnyList>
struct World {
  static constexpr std::size_t most = 6;
  AnyList list;
  std::array<Cell, most> cells{};
  std::array<int, most> back{};

  // Whether this is a cell that may be followed.
  bool receive(Cell const* cell) {
    auto const index = static_cast<std::size_t>(cell - cells.data());
    if (index >= most) return false;
    ++back[index];
    return true;
  }
  void take() {
    std::size_t count = 0;
    for (Cell* cell = list.take_all(); cell != nullptr && ++count <= most;) {
      Cell* const after = cell->next;
      if (!receive(cell)) return;
      cell->next = &in_use;
      cell = after;
    }
  }
  Cell in_use{};  // what a cell that is taken names: nobody may follow it
};

// Each of the senders pushes `chains` chains of `length` cells; the owner looks twice meanwhile.
template <class AnyList>
Scheduler::Scenario senders_and_owner(std::size_t senders, std::size_t chains, std::size_t length) {
  auto const world = std::make_shared<World<AnyList>>();
  Scheduler::Scenario scenario;
  for (std::size_t sender = 0; sender < senders; ++sender) {
    scenario.threads.push_back([world, sender, chains, length] {
      for (std::size_t chain = 0; chain < chains; ++chain) {
        Cell* const first = &world->cells[(sender * chains + chain) * length];
        for (std::size_t i = 0; i + 1 < length; ++i) first[i].next = &first[i + 1];
        world->list.push(first, first + length - 1);
      }
    });
  }
  scenario.threads.push_back([world] {
    world->take();
    world->take();
  });
  scenario.check = [world, sent = senders * chains * length] {
    // What nobody has taken yet.
    std::size_t count = 0;
    for (Cell* cell = reinterpret_cast<Cell*&>(world->list); cell != nullptr; cell = cell->next) {
      expect(++count <= sent, "the list has become a ring");
      expect(world->receive(cell), "a cell that had been taken is in the list");
    }
    for (std::size_t i = 0; i < sent; ++i)
      expect_equal(world->back[i], 1, "times a cell came back");
  };
  return scenario;
}

template <class AnyList>
std::string explore(std::size_t senders, std::size_t chains, std::size_t length) {
  try {
    auto const runs =
        Scheduler::explore([=] { return senders_and_owner<AnyList>(senders, chains, length); });
    std::printf("%llu schedules\n", static_cast<unsigned long long>(runs));
    return runs > 10 ? "" : "hardly anything was interleaved";
  } catch (conform::Violation const& violation) {
    return violation.text;
  }
}

TEST(RemoteList, one_sender) { EXPECT_EQ(explore<List>(1, 2, 2), ""); }
TEST(RemoteList, two_senders_of_single_cells) { EXPECT_EQ(explore<List>(2, 1, 1), ""); }
TEST(RemoteList, two_senders_of_chains) { EXPECT_EQ(explore<List>(2, 1, 3), ""); }

TEST(Canary, taking_in_two_steps_is_found) {
  EXPECT_NE(explore<TakesInTwoSteps>(1, 2, 1).find("schedule "), std::string::npos);
}
TEST(Canary, linking_once_is_found) {
  EXPECT_NE(explore<LinksOnce>(2, 1, 1).find("schedule "), std::string::npos);
}

}  // namespace
}  // namespace churn::schedule
