// What:  a small tracing collector that moves objects whenever it may, with flaws that can be
//        switched on one at a time.
// Why:   the canary of the conformance suite. Without a flaw every property must hold, which shows
//        that the suite itself keeps the contract (no Ref across a GC point); with one, a named
//        property must fail, which shows that the suite can fail.
// When not: for anything else. It is slow, knows one mutator and is not registered.
// Invariants: what is freed is overwritten first, so that a stale Ref is seen at once.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/core/check.hpp"
#include "harness/core/clock.hpp"
#include "harness/core/contracts.hpp"

namespace churn::toy {

enum class Flaw {
  none,
  payload_not_zeroed,
  move_to_itself_clears,
  take_leaves_the_slot,
  move_slots_forgets_the_last,
  globals_are_no_roots,
  last_root_is_lost,
  last_slot_is_not_marked,
  cycles_leak,
  mark_recurses,
  found_too_many,
  bytes_miscounted,
  limit_ignored,
  limit_without_collection,
};
inline Flaw flaw = Flaw::none;

struct Object {
  Shape shape;
  Object* moved_to = nullptr;
  bool marked = false;
  Object** slots() noexcept { return reinterpret_cast<Object**>(this + 1); }
  std::byte* payload() noexcept { return reinterpret_cast<std::byte*>(slots() + shape.slots); }
  std::size_t bytes() const noexcept { return sizeof *this + requested_bytes(shape); }
};

class Ref {
 public:
  constexpr Ref() noexcept = default;
  explicit constexpr Ref(Object* object) noexcept : object(object) {}
  friend constexpr bool operator==(Ref, Ref) noexcept = default;
  Object* object = nullptr;
};

class Local {
 public:
  Local() = default;
  Local(Local const&) = delete;
  Local& operator=(Local const&) = delete;
  Ref get() const noexcept { return ref; }
  Ref ref;
};

class Heap {
 public:
  explicit Heap(HeapOptions const& options) : limit_bytes_(options.heap_limit_bytes) {}
  Heap(Heap const&) = delete;
  Heap& operator=(Heap const&) = delete;
  ~Heap() {
    for (Object* const object : objects_) release(object);
  }

  Stats stats() const { return stats_; }
  void verify() {
    mark();
    for (Object* const object : objects_) CHURN_CHECK(object->moved_to == nullptr);
    unmark();
  }
  void quiesce() {}
  void resume() {}
  void start_line() {}

  void add_root(Local* local) { roots_.push_back(local); }
  void remove_root(Local* local) { roots_.erase(std::find(roots_.begin(), roots_.end(), local)); }

  Object* make(Shape shape) {
    Object const wanted{shape};
    if (limit_bytes_ != 0 && flaw != Flaw::limit_ignored &&
        used_bytes_ + wanted.bytes() > limit_bytes_) {
      if (flaw != Flaw::limit_without_collection) collect();
      if (used_bytes_ + wanted.bytes() > limit_bytes_) {
        stop(Outcome::out_of_memory, "the heap limit of %llu bytes is reached",
             static_cast<unsigned long long>(limit_bytes_));
      }
    }
    if (objects_.size() > collect_at_) collect();
    void* const memory = std::malloc(wanted.bytes());
    if (memory == nullptr) stop(Outcome::out_of_memory, "malloc returned NULL");
    std::memset(memory, flaw == Flaw::payload_not_zeroed ? 0x11 : 0, wanted.bytes());
    Object* const object = new (memory) Object{shape};
    std::fill_n(object->slots(), shape.slots, nullptr);
    used_bytes_ += object->bytes();
    ++stats_.allocated_objects;
    stats_.allocated_bytes += requested_bytes(shape) + (flaw == Flaw::bytes_miscounted ? 1 : 0);
    objects_.push_back(object);
    return object;
  }

  // At a GC point everything may move; often enough to matter, seldom enough to be linear.
  void gc_point() {
    if (++points_ <= objects_.size() / 8) return;
    points_ = 0;
    move_all();
  }

  std::uint64_t collect() {
    std::uint64_t const start_ns = now_ns();
    mark();
    auto const dead = std::partition(objects_.begin(), objects_.end(), [](Object* object) {
      return object->marked || (flaw == Flaw::cycles_leak && in_cycle_of_two(object));
    });
    auto const found = static_cast<std::uint64_t>(objects_.end() - dead);
    for (auto each = dead; each != objects_.end(); ++each) {
      stats_.reclaimed_bytes += requested_bytes((*each)->shape);
      used_bytes_ -= (*each)->bytes();
      release(*each);
    }
    objects_.erase(dead, objects_.end());
    unmark();
    move_all();
    collect_at_ = 2 * objects_.size() + 1000;
    stats_.reclaimed_objects[generations - 1] += found;
    ++stats_.collections[generations - 1];
    stats_.pauses.record(now_ns() - start_ns);
    return found + (flaw == Flaw::found_too_many ? 1 : 0);
  }

 private:
  static void release(Object* object) {
    std::memset(static_cast<void*>(object), 0xdb, object->bytes());
    std::free(object);
  }
  static bool in_cycle_of_two(Object* object) {
    Object* const next = object->shape.slots == 0 ? nullptr : object->slots()[0];
    return next != nullptr && next != object && next->shape.slots > 0 && next->slots()[0] == object;
  }
  static std::span<Object*> marked_slots(Object* object) {
    std::size_t const unseen = flaw == Flaw::last_slot_is_not_marked && object->shape.slots > 0;
    return {object->slots(), object->shape.slots - unseen};
  }

  void mark() {
    for (std::size_t i = 0; i < roots_.size(); ++i) {
      if (flaw == Flaw::last_root_is_lost && i > 0 && i + 1 == roots_.size()) continue;
      Object* const object = roots_[i]->ref.object;
      flaw == Flaw::mark_recurses ? mark_recursively(object) : mark_from(object);
    }
  }
  void mark_from(Object* object) {
    visit(object);
    while (!todo_.empty()) {
      Object* const next = todo_.back();
      todo_.pop_back();
      for (Object* const target : marked_slots(next)) visit(target);
    }
  }
  void visit(Object* object) {
    if (object == nullptr || object->marked) return;
    object->marked = true;
    todo_.push_back(object);
  }
  CHURN_NEVER_INLINE static void mark_recursively(Object* object) {
    if (object == nullptr || object->marked) return;
    object->marked = true;
    for (Object* const target : marked_slots(object)) mark_recursively(target);
    asm volatile("" ::: "memory");  // or the last call becomes a loop
  }
  void unmark() {
    for (Object* const object : objects_) object->marked = false;
  }

  void move_all() {
    for (Object*& object : objects_) {
      auto* const copy = static_cast<Object*>(std::malloc(object->bytes()));
      if (copy == nullptr) stop(Outcome::out_of_memory, "malloc returned NULL");
      std::memcpy(static_cast<void*>(copy), object, object->bytes());
      object->moved_to = copy;
    }
    auto const forward = [](Object*& reference) {
      if (reference != nullptr) reference = reference->moved_to;
    };
    for (Local* const root : roots_) forward(root->ref.object);
    for (Object* const object : objects_) {
      Object* const copy = object->moved_to;
      for (Object*& target : std::span(copy->slots(), copy->shape.slots)) forward(target);
    }
    for (Object*& object : objects_) release(std::exchange(object, object->moved_to));
  }

  std::uint64_t const limit_bytes_;
  std::uint64_t used_bytes_ = 0, points_ = 0, collect_at_ = 1000;
  std::vector<Object*> objects_, todo_;
  std::vector<Local*> roots_;
  Stats stats_;
};

class Mutator {
 public:
  using Ref = toy::Ref;
  using Local = toy::Local;

  explicit Mutator(Heap& heap) : heap_(heap) { heap_.gc_point(); }
  Mutator(Mutator const&) = delete;
  Mutator& operator=(Mutator const&) = delete;
  ~Mutator() { heap_.gc_point(); }

  template <std::size_t n>
  class Frame {
   public:
    explicit Frame(Mutator& m) : heap_(m.heap_) {
      for (Local& local : locals_) heap_.add_root(&local);
    }
    ~Frame() {
      for (Local& local : locals_) heap_.remove_root(&local);
    }
    Local& operator[](std::size_t index) noexcept { return locals_[index]; }

   private:
    Heap& heap_;
    Local locals_[n];
  };
  class Root : Frame<1> {
   public:
    using Frame<1>::Frame;
    Local& operator*() noexcept { return (*this)[0]; }
  };
  class Global {
   public:
    explicit Global(Heap& heap) : heap_(heap) {
      if (flaw != Flaw::globals_are_no_roots) heap_.add_root(&local_);
    }
    ~Global() {
      if (flaw != Flaw::globals_are_no_roots) heap_.remove_root(&local_);
    }
    Local& operator*() noexcept { return local_; }

   private:
    Heap& heap_;
    Local local_;
  };
  struct Blocked {
    explicit Blocked(Mutator& m) : heap(m.heap_) { heap.gc_point(); }
    ~Blocked() { heap.gc_point(); }
    Heap& heap;
  };

  void allocate(Local& to, Shape shape) {
    heap_.gc_point();
    to.ref = Ref(heap_.make(shape));
  }
  void safepoint() { heap_.gc_point(); }
  std::uint64_t collect(std::uint32_t) { return heap_.collect(); }

  Ref read(Ref from, std::uint32_t slot) noexcept { return Ref(from.object->slots()[slot]); }
  void write(Ref to, std::uint32_t slot, Ref value) noexcept {
    to.object->slots()[slot] = value.object;
  }
  void write(Ref to, std::uint32_t slot, Local&& value) noexcept {
    write(to, slot, std::exchange(value.ref, Ref()));
  }
  void write_new(Ref to, std::uint32_t slot, Ref value) noexcept { write(to, slot, value); }
  void write_new(Ref to, std::uint32_t slot, Local&& value) noexcept {
    write(to, slot, std::move(value));
  }
  void take(Local& to, Ref from, std::uint32_t slot) {
    to.ref = read(from, slot);
    if (flaw != Flaw::take_leaves_the_slot) write(from, slot, Ref());
  }
  void move_slots(Ref to, std::uint32_t at, Ref source, std::uint32_t from, std::uint32_t n) {
    std::uint32_t const moved = n > 1 && flaw == Flaw::move_slots_forgets_the_last ? n - 1 : n;
    for (std::uint32_t i = 0; i < moved; ++i) {
      write(to, at + i, Ref(std::exchange(source.object->slots()[from + i], nullptr)));
    }
  }
  std::byte* payload(Ref object, Shape) noexcept { return object.object->payload(); }

  void set(Local& to, Ref value) { to.ref = value; }
  void move(Local& to, Local& from) {
    if (&to == &from && flaw != Flaw::move_to_itself_clears) return;
    to.ref = from.ref;
    from.ref = Ref();
  }
  void clear(Local& local) { local.ref = Ref(); }
  void read_shared(Local& to, Ref from, std::uint32_t slot) { to.ref = read(from, slot); }
  void exchange_shared(Local& to, Ref object, std::uint32_t slot, Local&& value) {
    Ref const wanted = std::exchange(value.ref, Ref());
    to.ref = read(object, slot);
    write(object, slot, wanted);
  }

 private:
  Heap& heap_;
};

struct Collector {
  using Heap = toy::Heap;
  using Mutator = toy::Mutator;
  static constexpr Traits traits{.moves = true, .max_mutators = 1};
  static constexpr std::string_view summary = "moves everything, all the time";
};
static_assert(churn::Collector<Collector>);

}  // namespace churn::toy
