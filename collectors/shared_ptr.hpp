// What:  std::shared_ptr in every slot and local: what a C++ programmer would reach for.
// Why:   to know what the library's reference counting costs beside counts in the object (refcount,
//        refcount-atomic): a slot is two words, and the counts lie in a control block with a
//        virtual function. libstdc++ counts without atomics while the process has one thread.
// When not: cycles: they leak, as they do in C++.
// How:   one std::allocate_shared for each object; the slots and the payload lie behind the Object
//        in the same block. The destructor of a long list would recurse once per node; here the
//        allocator's deallocate, which runs after the object is dead, drops the slots, and the
//        blocks that die meanwhile form a list through themselves. Racing slots use
//        std::atomic_load and std::atomic_exchange for shared_ptr, which lock one of the library's
//        mutexes.
// Deaths: weak references are std::weak_ptr. The first one marks the object: a marked object's
//        slots are dropped when it dies, though its memory, as with any allocate_shared, stays
//        until the last std::weak_ptr is gone; the figures count it as reclaimed from its death on.
//        A use_count never leaves zero. So a watched object that dies is moved, slots and payload,
//        into a new one, which waits to be pulled and which nobody can tell from it, since nobody
//        names what dies. Those that wait are in a std::vector from the allocator in use.
// Cost:  48 bytes an object (16 of them for this file's own figures) and 16 a slot; an object
//        that is known only by its address is counted with a compare-exchange loop.
// Thread-safety: any number of mutators.
#pragma once

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/parts/accounts.hpp"
#include "collectors/parts/object_list.hpp"
#include "collectors/parts/out_of_memory.hpp"
#include "collectors/parts/pauses.hpp"
#include "collectors/parts/recount.hpp"
#include "collectors/parts/roots.hpp"
#include "collectors/parts/side_table.hpp"
#include "harness/core/check.hpp"
#include "harness/core/contracts.hpp"
#include "harness/core/refusal.hpp"

namespace churn::shared_ptr {

inline constexpr Traits traits{
    .cycles = false, .counts = true, .cells_from_malloc = true, .weak = true, .finalizers = true};

class Heap;
class Mutator;
class Object;
using Pointer = std::shared_ptr<Object>;

// Where objects are listed, a Listing lies right behind the object; then come the slots, then the
// payload. All that outlives the object by the moment in which its slots are dropped.
using Listing = collectors::ListedShape;
inline constexpr std::size_t listing_bytes = std::is_empty_v<Listing> ? 0 : sizeof(Listing);

class Object : public std::enable_shared_from_this<Object> {
 public:
  static Object* of(Listing* listing) noexcept { return reinterpret_cast<Object*>(listing) - 1; }
  Listing* listing() noexcept { return reinterpret_cast<Listing*>(behind()); }
  Pointer* slots() noexcept { return reinterpret_cast<Pointer*>(behind() + listing_bytes); }
  std::byte* payload(Shape shape) noexcept {
    return reinterpret_cast<std::byte*>(slots() + shape.slots);
  }

 private:
  // The compiler knows how large an Object is, and not that the allocator asked for more.
  std::byte* behind() noexcept {
    auto* end = reinterpret_cast<std::byte*>(this + 1);
    asm("" : "+r"(end));
    return end;
  }
};

// Carried by each control block, before the object: what its death has to know.
template <class T>
struct CellAllocator {
  using value_type = T;
  using Mark = std::uint32_t;                     // beside the number of slots, which has 24 bits
  static constexpr Mark noted = Mark{1} << 31;    // it was named weakly, or is watched
  static constexpr Mark watched = Mark{1} << 30;  // its death is to be told
  static constexpr Mark dropped = Mark{1} << 29;  // its slots are null, and it was given back

  CellAllocator(Heap& heap, Shape shape) noexcept : heap(&heap), shape(shape) {}
  template <class U>
  CellAllocator(CellAllocator<U> const& other) noexcept : heap(other.heap), shape(other.shape) {}

  T* allocate(std::size_t) noexcept;
  void deallocate(T* block, std::size_t) noexcept;
  // The last reference is gone. A noted object goes in its turn.
  void destroy(Object* object);
  friend bool operator==(CellAllocator const&, CellAllocator const&) = default;

  // The one in the control block.
  static CellAllocator& of(Object* object) noexcept {
    asm("" : "+r"(object));  // see Object::behind
    return reinterpret_cast<CellAllocator*>(object)[-1];
  }
  Object* object() noexcept { return reinterpret_cast<Object*>(this + 1); }
  // By one who holds a reference, whose own drop orders it before the death: relaxed.
  void mark(Mark bits) noexcept {
    std::atomic_ref(shape.slots).fetch_or(bits, std::memory_order_relaxed);
  }
  bool is(Mark bits) noexcept {
    return (std::atomic_ref(shape.slots).load(std::memory_order_relaxed) & bits) != 0;
  }
  Shape plain_shape() const noexcept {
    return {shape.slots & (Mark{1 << 24} - 1), shape.payload_bytes};
  }

  Heap* heap;
  Shape shape;
};
using Cell = CellAllocator<Object>;

// A control block is a virtual table, two counts, the allocator and the object.
inline constexpr std::size_t block_bytes = 16 + sizeof(CellAllocator<Object>) + sizeof(Object);
inline constexpr std::size_t overhead_bytes = block_bytes + listing_bytes;

constexpr std::size_t cell_bytes(Shape shape) noexcept {
  return overhead_bytes + requested_bytes(shape) + (sizeof(Pointer) - 8) * shape.slots;
}

struct SlotAccount : collectors::Account<collectors::SharedCounter> {
  void charge(Shape shape) noexcept {
    Account::charge(cell_bytes(shape));
    allocated_slots.add(shape.slots);
  }
  void give_back(Shape shape) noexcept {
    Account::give_back(cell_bytes(shape));
    reclaimed_slots.add(shape.slots);
  }
  Counter allocated_slots, reclaimed_slots;
};

class Ref {
 public:
  constexpr Ref() noexcept = default;
  explicit Ref(Object* object) noexcept : object_(object) {}
  explicit constexpr operator bool() const noexcept { return object_ != nullptr; }
  friend constexpr bool operator==(Ref, Ref) noexcept = default;

  Object* object() const noexcept { return object_; }
  Pointer& slot(std::uint32_t index) const noexcept { return object_->slots()[index]; }
  Pointer share() const { return object_ == nullptr ? Pointer() : object_->shared_from_this(); }

 private:
  Object* object_ = nullptr;
};

class Local {
 public:
  Local(Local const&) = delete;
  Local& operator=(Local const&) = delete;
  Ref get() const noexcept { return Ref(pointer_.get()); }

 private:
  template <class, std::size_t>
  friend class collectors::Frame;
  template <class>
  friend class collectors::Root;
  template <class, class>
  friend class collectors::Global;
  friend Mutator;

  Local() noexcept = default;
  ~Local() = default;

  Pointer pointer_;
};

class Heap {
 public:
  using Account = SlotAccount;

  explicit Heap(HeapOptions const& options)
      : accounts_(options.heap_limit_bytes, collectors::never_poll) {}
  Heap(Heap const&) = delete;
  Heap& operator=(Heap const&) = delete;
  ~Heap() {
    while (!ready_.empty()) {  // what dies of one of them may be watched, too
      Pointer const last = std::move(ready_.back().object);
      ready_.pop_back();
    }
    free_the_rest(objects_);
  }

  Stats stats() {
    collectors::Totals const totals = accounts_.totals();
    Stats stats;
    stats.allocated_objects = totals.allocated_objects;
    stats.reclaimed_objects[0] = totals.reclaimed_objects;
    stats.allocated_bytes = requested(totals.charged, totals.allocated_objects,
                                      accounts_.sum(&SlotAccount::allocated_slots));
    stats.reclaimed_bytes = requested(totals.returned, totals.reclaimed_objects,
                                      accounts_.sum(&SlotAccount::reclaimed_slots));
    pauses_.report(stats);
    return stats;
  }
  void verify() { recount(objects_, roots_, ready_); }
  void quiesce() noexcept {}
  void resume() noexcept {}
  void start_line() { pauses_.start_line(); }

  collectors::RootList<Local>& root_list() noexcept { return roots_; }
  // A Global's own pointer drops what it holds.
  void drop_global(Ref) noexcept {}

  SlotAccount& attach() {
    SlotAccount& account = accounts_.attach(traits.max_mutators);
    here = {this, &account};
    return account;
  }
  void detach(SlotAccount& account) {
    if (here.account == &account) here = {nullptr, nullptr};
    accounts_.detach(account);
  }

  CHURN_ALWAYS_INLINE Pointer make(SlotAccount& account, Shape shape) {
    std::size_t const bytes = cell_bytes(shape);
    if (!account.covers(bytes) && !accounts_.grant(account, bytes)) [[unlikely]] {
      collectors::stop_at_limit(accounts_, bytes);
    }
    Pointer made = make_listed(shape);
    account.charge(shape);
    std::uninitialized_value_construct_n(made->slots(), shape.slots);
    std::memset(made->payload(shape), 0, requested_bytes({0, shape.payload_bytes}));
    return made;
  }

  // pre: the caller holds a reference to it
  static void note(Object* object) noexcept {
    Cell& cell = Cell::of(object);
    if (!cell.is(Cell::noted)) cell.mark(Cell::noted);
  }
  void watch(Object* object, std::uint64_t tag) {
    std::lock_guard const lock(watched_mutex_);
    tags_.at(object) = tag;
    Cell::of(object).mark(Cell::noted | Cell::watched);
  }
  Pointer next_dead(std::uint64_t& tag) noexcept {
    std::lock_guard const lock(watched_mutex_);
    if (ready_.empty()) return {};
    Pointer object = std::move(ready_.back().object);
    tag = ready_.back().tag;
    ready_.pop_back();
    return object;
  }

 private:
  template <class>
  friend struct CellAllocator;

  // The block of an object that has died; what lies behind the block is still as it was.
  struct Dead {
    Dead* next;
    Cell cell;
  };
  static_assert(sizeof(Dead) <= block_bytes);
  struct Ready {
    Pointer object;
    std::uint64_t tag;
  };
  struct Here {
    Heap* heap;
    SlotAccount* account;
  };
  struct Dying {
    Dead* first;
    Cell* noted;  // whose objects are not destroyed yet; linked through `heap`
    bool draining;
  };
  // The account of this thread's last mutator, since a destructor is not told which one runs.
  static inline thread_local Here here{nullptr, nullptr};
  static inline thread_local Dying dying{nullptr, nullptr, false};
  static constexpr std::uint64_t unrecorded_objects = 64;

  static std::uint64_t requested(std::uint64_t cells, std::uint64_t objects,
                                 std::uint64_t slots) noexcept {
    return cells - overhead_bytes * objects - (sizeof(Pointer) - 8) * slots;
  }

  void give_back(Shape shape) {
    if (here.heap == this) [[likely]] {
      here.account->give_back(shape);
      return;
    }
    std::lock_guard const lock(spare_mutex_);
    accounts_.spare().give_back(shape);
  }

  CHURN_ALWAYS_INLINE Pointer make_listed(Shape shape) {
    Pointer made = std::allocate_shared<Object>(Cell(*this, shape));
    if constexpr (listing_bytes != 0) {
      ::new (made->listing()) Listing;
      made->listing()->describe(shape);
      objects_.add(made->listing());
    }
    return made;
  }

  static void bury(void* block, Cell const& cell) {
    dying.first = ::new (block) Dead{dying.first, cell};
    if (!dying.draining) drain(*cell.heap);
  }
  // A cascade stays within one heap.
  static void drain(Heap& heap) {
    dying.draining = true;
    std::uint64_t freed = 0, start_ns = 0;
    for (;;) {
      if (Dead* const dead = dying.first) {
        dying.first = dead->next;
        heap.free_block(dead);
      } else if (Cell* const cell = dying.noted) {
        dying.noted = reinterpret_cast<Cell*>(std::exchange(cell->heap, &heap));
        Pointer* const slots = cell->object()->slots();
        for (std::uint32_t i = 0; i < cell->plain_shape().slots; ++i) slots[i].reset();
        cell->object()->~Object();  // lets go of its block, unless others name it weakly
        continue;
      } else {
        break;
      }
      if (++freed == unrecorded_objects) start_ns = now_ns();
    }
    dying.draining = false;
    if (freed > unrecorded_objects) heap.pauses_.record_since(start_ns);
  }
  CHURN_ALWAYS_INLINE void free_block(Dead* dead) {
    if (!dead->cell.is(Cell::dropped)) {
      auto* const behind = reinterpret_cast<std::byte*>(dead) + block_bytes;
      Shape const shape = dead->cell.plain_shape();
      // What dies of this is put on the list.
      std::destroy_n(reinterpret_cast<Pointer*>(behind + listing_bytes), shape.slots);
      if constexpr (listing_bytes != 0) objects_.remove(reinterpret_cast<Listing*>(behind));
      give_back(shape);
    }
    std::free(dead);
  }

  // Its memory may stay; its slots must not.
  CHURN_NEVER_INLINE void noted_dies(Cell& cell) {
    Object* const object = cell.object();
    if (cell.is(Cell::watched)) {
      move_to_the_ready(object, cell.plain_shape());
    } else {
      give_back(cell.plain_shape());
    }
    if constexpr (listing_bytes != 0) objects_.remove(object->listing());
    cell.mark(Cell::dropped);
    cell.heap = reinterpret_cast<Heap*>(std::exchange(dying.noted, &cell));
    if (!dying.draining) drain(*this);
  }
  void move_to_the_ready(Object* dead, Shape shape) {
    Pointer made = make_listed(shape);  // in its place, so it is not charged
    std::uninitialized_move_n(dead->slots(), shape.slots, made->slots());
    std::memcpy(made->payload(shape), dead->payload(shape),
                requested_bytes({0, shape.payload_bytes}));
    std::lock_guard const lock(watched_mutex_);
    ready_.push_back({std::move(made), *tags_.find(dead)});
    tags_.erase(dead);
  }

  template <class Objects, class Roots, class Readies>
  static void recount(Objects& objects, Roots& roots, Readies& readies) {
    if constexpr (CHURN_VERIFYING) {
      collectors::Recount<Listing> recount(objects);
      auto const see = [&](Object* object) {
        if (object != nullptr) recount.see(object->listing());
      };
      objects.for_each([&](auto* listing) {
        Pointer const* const slots = Object::of(listing)->slots();
        for (std::uint32_t i = 0; i < listing->shape().slots; ++i) see(slots[i].get());
      });
      roots.for_each([&](auto const& local) { see(local.get().object()); });
      for (auto const& ready : readies) see(ready.object.get());
      recount.for_each([](Listing* listing, std::uint64_t references) {
        bool const count_is_the_number_of_references =
            Object::of(listing)->weak_from_this().use_count() == static_cast<long>(references);
        CHURN_CHECK(count_is_the_number_of_references);
      });
    }
  }
  // Cycles keep themselves alive: all slots are emptied while a copy holds each object.
  template <class Objects>
  static void free_the_rest(Objects& objects) {
    if constexpr (CHURN_VERIFYING) {
      std::vector<Pointer> rest;
      objects.for_each(
          [&](auto* listing) { rest.push_back(Object::of(listing)->shared_from_this()); });
      objects.for_each([&](auto* listing) {
        Pointer* const slots = Object::of(listing)->slots();
        for (std::uint32_t i = 0; i < listing->shape().slots; ++i) slots[i].reset();
      });
    }
  }

  collectors::Accounts<SlotAccount> accounts_;
  collectors::RootList<Local> roots_;
  collectors::ObjectList<Listing> objects_;
  collectors::PauseLog pauses_;
  std::mutex spare_mutex_;
  std::mutex watched_mutex_;
  collectors::SideTable<Object, std::uint64_t> tags_;  // of the watched
  std::vector<Ready> ready_;
};

template <class T>
T* CellAllocator<T>::allocate(std::size_t) noexcept {
  static_assert(sizeof(T) == block_bytes, "this library's control block has another layout");
  std::size_t const bytes = cell_bytes(shape);
  void* const cell = refused() ? nullptr : std::malloc(bytes);
  if (cell == nullptr) [[unlikely]] {
    collectors::stop_without_memory(heap->accounts_, bytes);
  }
  return static_cast<T*>(cell);
}
template <class T>
void CellAllocator<T>::deallocate(T* block, std::size_t) noexcept {
  Heap::bury(block, *this);
}
template <class T>
void CellAllocator<T>::destroy(Object* object) {
  if (is(noted)) [[unlikely]] {
    return heap->noted_dies(*this);
  }
  object->~Object();
}

class Mutator {
 public:
  using Heap = shared_ptr::Heap;
  using Ref = shared_ptr::Ref;
  using Local = shared_ptr::Local;
  template <std::size_t n>
  using Frame = collectors::Frame<Mutator, n>;
  using Root = collectors::Root<Mutator>;
  using Global = collectors::Global<Heap, Local>;

  static constexpr Traits const& traits = shared_ptr::traits;

  // Nothing here stops the world, so a blocked mutator holds up nobody.
  class Blocked {
   public:
    explicit Blocked(Mutator& mutator) noexcept : mutator_(mutator) {
      CHURN_ASSERT(!mutator_.blocked_);
      mutator_.blocked_ = true;
    }
    ~Blocked() { mutator_.blocked_ = false; }
    Blocked(Blocked const&) = delete;
    Blocked& operator=(Blocked const&) = delete;

   private:
    Mutator& mutator_;
  };

  explicit Mutator(Heap& heap) : heap_(heap), account_(heap.attach()) {}
  ~Mutator() {
    root_list().expect_none_of(this);
    heap_.detach(account_);
  }
  Mutator(Mutator const&) = delete;
  Mutator& operator=(Mutator const&) = delete;

  // What a local or slot held is dropped where `old` ends, after everything else is in place.
  CHURN_ALWAYS_INLINE void allocate(Local& local, Shape shape) {
    CHURN_ASSERT(!blocked_ && shape.slots <= traits.max_slots);
    Pointer const old = std::exchange(local.pointer_, heap_.make(account_, shape));
  }
  void safepoint() { CHURN_ASSERT(!blocked_); }
  // Counts alone find nothing. pre: generation < generations
  std::uint64_t collect(std::uint32_t generation) {
    CHURN_CHECK(!blocked_ && generation < generations);
    return 0;
  }

  Ref read(Ref object, std::uint32_t index) const noexcept { return Ref(object.slot(index).get()); }
  void write(Ref object, std::uint32_t index, Ref value) {
    Pointer const old = std::exchange(object.slot(index), value.share());
  }
  void write(Ref object, std::uint32_t index, Local&& local) {
    Pointer const old = std::exchange(object.slot(index), std::move(local.pointer_));
  }
  void write_new(Ref object, std::uint32_t index, Ref value) noexcept {
    object.slot(index) = value.share();
  }
  void write_new(Ref object, std::uint32_t index, Local&& local) noexcept {
    object.slot(index) = std::move(local.pointer_);
  }
  void take(Local& local, Ref object, std::uint32_t index) {
    Pointer const old = std::exchange(local.pointer_, std::move(object.slot(index)));
  }
  void move_slots(Ref to, std::uint32_t to_index, Ref from, std::uint32_t from_index,
                  std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      to.slot(to_index + i) = std::move(from.slot(from_index + i));
    }
  }
  std::byte* payload(Ref object, Shape shape) const noexcept {
    return object.object()->payload(shape);
  }

  void set(Local& local, Ref value) {
    Pointer const old = std::exchange(local.pointer_, value.share());
  }
  void move(Local& to, Local& from) {
    if (&to == &from) return;
    Pointer const old = std::exchange(to.pointer_, std::move(from.pointer_));
  }
  void clear(Local& local) { Pointer const old = std::move(local.pointer_); }

  void read_shared(Local& local, Ref object, std::uint32_t index) {
    Pointer const old = std::exchange(
        local.pointer_, std::atomic_load_explicit(&object.slot(index), std::memory_order_acquire));
  }
  // `old` and `value` may be the same local.
  void exchange_shared(Local& old, Ref object, std::uint32_t index, Local&& value) {
    Pointer wanted = std::move(value.pointer_);
    Pointer const before = std::exchange(
        old.pointer_, std::atomic_exchange_explicit(&object.slot(index), std::move(wanted),
                                                    std::memory_order_acq_rel));
  }

  class Weak {
   public:
    explicit Weak(Mutator&) noexcept {}

   private:
    friend Mutator;
    std::weak_ptr<Object> pointer_;
  };
  void weaken(Weak& weak, Ref object) {
    if (object) Heap::note(object.object());
    weak.pointer_ = object ? object.object()->weak_from_this() : std::weak_ptr<Object>();
  }
  bool strengthen(Local& local, Weak& weak) {
    Pointer const old = std::exchange(local.pointer_, weak.pointer_.lock());
    return static_cast<bool>(local.get());
  }
  void watch(Ref object, std::uint64_t tag) { heap_.watch(object.object(), tag); }
  bool next_dead(Local& local, std::uint64_t& tag) {
    Pointer const old = std::exchange(local.pointer_, heap_.next_dead(tag));
    return static_cast<bool>(local.get());
  }

  collectors::RootList<Local>& root_list() noexcept { return heap_.root_list(); }

 private:
  Heap& heap_;
  SlotAccount& account_;
  bool blocked_ = false;
};

struct Collector {
  using Heap = shared_ptr::Heap;
  using Mutator = shared_ptr::Mutator;
  static constexpr Traits const& traits = shared_ptr::traits;
  static constexpr std::string_view why_no_split =
      "its references are std::shared_ptr, which has no stores without counts";
  static constexpr std::string_view summary =
      "std::shared_ptr in every slot; cycles leak and are reported";
  static constexpr std::span<ParameterInfo const> parameters{};
};

}  // namespace churn::shared_ptr
