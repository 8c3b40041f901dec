// The search for dead cycles beside a mutator that changes what is being searched, in every
// interleaving of its stores and ends of epochs with the search's loads.
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <vector>

#include "collectors/parts/cycle_proof.hpp"
#include "harness/conform/collector_child.hpp"
#include "tests/schedule/scheduled_policy.hpp"
#include "tests/schedule/scheduler.hpp"

namespace churn::schedule {
namespace {

using collectors::CycleMark;
using collectors::EpochHeader;
using collectors::Word;
using conform::expect;
using Count = collectors::MarkedCount;
using Proof = collectors::CycleProofOf<ScheduledRef>;

// A heap of grown objects and one mutator with locals, as collectors/recycler.hpp keeps them.
class Heap {
 public:
  static constexpr std::size_t objects = 4, slots = 2, locals = 2;
  static constexpr int nothing = -1;

  Heap() {
    for (Object& object : objects_) {
      object.header.describe(Shape{slots, 0});
      object.header.change(EpochHeader::fresh, 0);
    }
  }
  // Before any thread runs.
  void start_with_slot(int object, int slot, int value) {
    slot_of(object, slot) = word(value);
    header(value)->count += Count::one;
  }
  void start_with_local(int local, int value) {
    locals_[local] = value;
    root(value);
  }
  void start_with_candidate(int object) { proof_.suspect(header(object)); }

  // ---- the mutator ----

  void write(int object, int slot, int value) {
    int const old = index(slot_of(object, slot));
    ScheduledRef<Word>(slot_of(object, slot)).store(word(value));
    if (old != nothing) logged_drops_.push_back(header(old));
    if (value != nothing) kept_.push_back(header(value));
  }
  void set(int local, int value) { locals_[local] = value; }
  int read(int object, int slot) { return index(slot_of(object, slot)); }
  int local(int which) const { return locals_[which]; }

  // Stops the search at its next poll.
  void end_epoch() {
    stop_wanted_ = true;
    world_.lock();
    for (EpochHeader* const header : kept_) gain(header);
    kept_.clear();
    for (EpochHeader* const header : logged_drops_) dropped_.push(header);
    logged_drops_.clear();
    std::vector<EpochHeader*> const before = rooted_;
    rooted_.clear();
    for (int const value : locals_) {
      bool const is_new = value != nothing && !is_in(rooted_, header(value));
      if (!is_new) continue;
      if (!is_in(before, header(value))) gain(header(value));
      rooted_.push_back(header(value));
    }
    for (EpochHeader* const header : before) {
      if (!is_in(rooted_, header)) dropped_.push(header);
    }
    ++epochs_;
    stop_wanted_ = search_waits_ = false;
    world_.unlock();
  }
  // Ends epochs for as long as the search waits for one.
  void finish() {
    while (!search_has_ended_) {
      Scheduler::current().await([this] { return search_waits_ || search_has_ended_; });
      if (search_waits_) end_epoch();
    }
  }
  // A mutator that forgets to log.
  void write_unlogged(int object, int slot, int value) {
    ScheduledRef<Word>(slot_of(object, slot)).store(word(value));
  }

  // ---- the search ----

  void search() {
    world_.lock();
    auto const poll = [this] { let_stop(); };
    proof_.guess(~std::size_t{0}, poll);
    proof_.prove(poll);
    while (proof_.has_members()) {
      int const proved_in = epochs_;
      search_waits_ = true;
      world_.unlock();
      Scheduler::current().await([this, proved_in] { return epochs_ != proved_in; });
      world_.lock();
      if (proof_.is_proved(poll)) {
        free_members();
        break;
      }
      proof_.prove(poll);
    }
    search_has_ended_ = true;
    world_.unlock();
  }

  // ---- afterwards ----

  void expect_sound() {
    expect(fault_ == nullptr, fault_ == nullptr ? "" : fault_);
    for (int const value : locals_) expect_alive(value, objects);
    for (EpochHeader* const header : dropped_) {
      expect(!is_freed(header), "a reference to a freed object is still to be dropped");
    }
  }
  bool is_freed(int object) const { return objects_[static_cast<std::size_t>(object)].is_freed; }

 private:
  struct Object {
    EpochHeader header;
    std::array<Word, slots> named{};
    bool is_freed = false;
  };

  EpochHeader* header(int object) { return &objects_[static_cast<std::size_t>(object)].header; }
  Word& slot_of(int object, int slot) {
    return objects_[static_cast<std::size_t>(object)].named[static_cast<std::size_t>(slot)];
  }
  Word word(int object) {
    return object == nothing ? 0 : reinterpret_cast<Word>(&slot_of(object, 0));
  }
  int index(Word word) {
    for (int i = 0; i < static_cast<int>(objects); ++i) {
      if (word == this->word(i)) return i;
    }
    return nothing;
  }
  bool is_freed(EpochHeader* header) { return reinterpret_cast<Object*>(header)->is_freed; }
  static bool is_in(std::vector<EpochHeader*> const& headers, EpochHeader* header) {
    return std::find(headers.begin(), headers.end(), header) != headers.end();
  }

  void gain(EpochHeader* header) {
    if (is_freed(header)) fault_ = "a reference to a freed object is counted";
    header->count += Count::one;
    Proof::rise(header);
  }
  void root(int object) {
    if (is_in(rooted_, header(object))) return;
    rooted_.push_back(header(object));
    header(object)->count += Count::one;
  }
  void let_stop() {
    if (!stop_wanted_) return;
    world_.unlock();
    Scheduler::current().await([this] { return !stop_wanted_; });
    world_.lock();
  }
  void free_members() {
    for (EpochHeader* const header : proof_.members()) {
      reinterpret_cast<Object*>(header)->is_freed = true;
    }
    proof_.members().clear();
  }
  void expect_alive(int object, std::size_t depth) {
    if (object == nothing || depth == 0) return;
    expect(!is_freed(object), "an object that a local reaches was freed");
    for (int slot = 0; slot < static_cast<int>(slots); ++slot) {
      expect_alive(read(object, slot), depth - 1);
    }
  }

  std::array<Object, objects> objects_;
  std::array<int, locals> locals_{nothing, nothing};
  std::vector<EpochHeader*> kept_, logged_drops_, rooted_;
  collectors::PageBuffer<EpochHeader> dropped_;
  Proof proof_;
  ScheduledMutex world_;
  bool stop_wanted_ = false, search_waits_ = false, search_has_ended_ = false;
  int epochs_ = 0;
  char const* fault_ = nullptr;
};
static_assert(sizeof(EpochHeader) % alignof(Word) == 0);

constexpr int a = 0, b = 1, holder = 2, nothing = Heap::nothing;

using Steps = void (*)(Heap&);

// `always_freed` objects must be dead in the end in every schedule; none is where that is nothing.
std::string explore(Steps start, Steps mutator, int always_freed) {
  auto const make = [=] {
    auto const heap = std::make_shared<Heap>();
    start(*heap);
    Scheduler::Scenario scenario;
    scenario.threads.push_back([heap, mutator] {
      mutator(*heap);
      heap->finish();
    });
    scenario.threads.push_back([heap] { heap->search(); });
    scenario.check = [heap, always_freed] {
      heap->expect_sound();
      if (always_freed != nothing) expect(heap->is_freed(always_freed), "a dead cycle was kept");
    };
    return scenario;
  };
  try {
    auto const runs = Scheduler::explore(make);
    std::printf("%llu schedules\n", static_cast<unsigned long long>(runs));
    return runs > 10 ? "" : "hardly anything was interleaved";
  } catch (conform::Violation const& violation) {
    return violation.text;
  }
}

// A ring of two, named by a slot of a third object, which a local names.
void ring_in_a_slot(Heap& heap) {
  heap.start_with_slot(a, 0, b);
  heap.start_with_slot(b, 0, a);
  heap.start_with_slot(holder, 0, a);
  heap.start_with_local(0, holder);
  heap.start_with_candidate(a);
}
void dead_ring(Heap& heap) {
  heap.start_with_slot(a, 0, b);
  heap.start_with_slot(b, 0, a);
  heap.start_with_candidate(b);
}

// As ring_in_a_slot, after the drop of holder's reference has been counted: only a store that was
// logged can keep it.
void a_ring_with_its_drop_counted(Heap& heap) {
  heap.start_with_slot(a, 0, b);
  heap.start_with_slot(b, 0, a);
  heap.start_with_local(0, holder);
  heap.start_with_candidate(a);
}

TEST(CycleProof, a_dead_ring_is_freed) {
  auto const mutator = [](Heap& heap) {
    heap.set(1, holder);
    heap.end_epoch();
    heap.write(holder, 0, holder);
  };
  EXPECT_EQ(explore(dead_ring, mutator, a), "");
}

TEST(CycleProof, a_reference_within_takes_the_place_of_the_one_from_outside) {
  auto const mutator = [](Heap& heap) {
    heap.set(1, heap.read(holder, 0));
    heap.write(a, 1, a);
    heap.write(holder, 0, nothing);
    heap.end_epoch();
    heap.end_epoch();
  };
  EXPECT_EQ(explore(ring_in_a_slot, mutator, nothing), "");
}

TEST(CycleProof, a_local_takes_the_place_of_a_slot) {
  auto const mutator = [](Heap& heap) {
    heap.set(1, heap.read(holder, 0));
    heap.write(holder, 0, nothing);
    heap.end_epoch();
    heap.write(holder, 1, heap.local(1));
    heap.set(1, nothing);
    heap.end_epoch();
  };
  EXPECT_EQ(explore(ring_in_a_slot, mutator, nothing), "");
}

TEST(CycleProof, a_ring_is_cut_and_let_go) {
  auto const mutator = [](Heap& heap) {
    heap.write(a, 0, nothing);
    heap.write(holder, 0, nothing);
    heap.end_epoch();
    heap.end_epoch();
  };
  EXPECT_EQ(explore(ring_in_a_slot, mutator, nothing), "");
}

TEST(CycleProof, the_ring_moves_from_slot_to_slot) {
  auto const mutator = [](Heap& heap) {
    heap.write(holder, 1, b);
    heap.write(holder, 0, nothing);
    heap.end_epoch();
    heap.write(a, 1, b);
    heap.write(holder, 1, nothing);
    heap.set(1, a);
    heap.end_epoch();
  };
  EXPECT_EQ(explore(ring_in_a_slot, mutator, nothing), "");
}

TEST(Canary, a_store_that_is_not_logged_is_found) {
  auto const mutator = [](Heap& heap) {
    heap.write_unlogged(holder, 1, a);
    heap.write(holder, 0, nothing);
  };
  std::string const failure = explore(a_ring_with_its_drop_counted, mutator, nothing);
  EXPECT_NE(failure.find("was freed"), std::string::npos) << failure;
}

}  // namespace
}  // namespace churn::schedule
