// What:  the Boehm-Demers-Weiser collector: conservative mark-sweep, as Debian's libgc has it.
//        Any number of mutators.
// Why:   the collector that plain C and C++ programs use, in the same run as ours; and the price of
//        not knowing what is a reference: what it keeps without cause is counted.
// When not: two heaps at a time, in one process: there is one bdwgc.
// How:   an object is one GC_malloc with a header of one word for its shape; without slots,
//        GC_malloc_atomic. `exact` gives bdwgc the object's layout, so that payloads are not taken
//        for references. Frames are found on the machine stacks; Roots and Globals may lie where
//        bdwgc does not look, and are pushed. `incremental` is bdwgc's mode of that name, with
//        write-protected pages as its barrier; `markers` marks in parallel.
// Counted: bdwgc tells neither when objects die nor how many. What the last collection has left is
//        found by enumerating marked objects, on demand: in a collection that was asked for, and in
//        stats(), which collects first if the mode is incremental. All that is reclaimed is
//        generation 2. It is exact right after a collection; later, free blocks that threads had at
//        hand then, and have used since, count as kept. Falsely retained is what was left by the
//        last collection that was asked for, less what an exact trace from frames, roots and
//        globals finds; it is looked for in the first stats() behind, before more is allocated.
// Deaths: a weak reference is one of bdwgc's disappearing links, a watched object has a finalizer
//        without order, run on demand. What bdwgc keeps without cause is neither cleared nor handed
//        out, until a collection finds it dead: "all that are dead" is what it takes for dead.
// Limit: requested bytes and the word of header, not bdwgc's own rounding and tables.
// Cost:  8 bytes an object, and rounding to 16; a root takes the collector's lock, and so does
//        each use of a weak reference; those and watched objects have an entry in bdwgc's tables.
// Source: H.-J. Boehm and M. Weiser, Software Practice and Experience 18(9), 1988.
#pragma once

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <string_view>

#include "collectors/parts/accounts.hpp"
#include "collectors/parts/bdwgc.hpp"
#include "collectors/parts/out_of_memory.hpp"
#include "collectors/parts/page_buffer.hpp"
#include "collectors/parts/page_vector.hpp"
#include "collectors/parts/pauses.hpp"
#include "collectors/parts/split_heap.hpp"
#include "collectors/parts/tracing_mutator.hpp"

namespace churn::boehm {

inline constexpr Traits traits{.conservative = true, .weak = true, .finalizers = true};

inline constexpr std::array parameters{
    ParameterInfo{"incremental", 0, 0, 1, "1: marks in steps, with write-protected pages"},
    ParameterInfo{"markers", 1, 1, 64, "threads that mark, the collecting one included"},
    ParameterInfo{"exact", 0, 0, 1, "1: payloads are not scanned for references"},
};

struct Header {
  std::uint32_t slots_and_heap;  // 24 bits of slots; whose object it is, below that a mark
  std::uint32_t payload_bytes;

  static constexpr std::uint32_t slot_mask = (std::uint32_t{1} << 24) - 1;
  static constexpr std::uint32_t visited_bit = std::uint32_t{1} << 31;
  static constexpr std::uint32_t most_heaps = 127;

  std::uint32_t heap() const noexcept { return (slots_and_heap & ~visited_bit) >> 24; }
  Shape shape() const noexcept { return {slots_and_heap & slot_mask, payload_bytes}; }
};
static_assert(sizeof(Header) == collectors::Bdwgc::header_bytes);

class Heap : private collectors::Bdwgc::Client {
  using Bdwgc = collectors::Bdwgc;
  using Ref = collectors::Ref;
  using Word = collectors::Word;
  using Counts = collectors::Account<collectors::SharedCounter>;

 public:
  static constexpr Traits const& traits = boehm::traits;

  struct Account {
    collectors::TracedRoots roots;
    collectors::WeakReferences weak;  // the mutator's base asks for it; bdwgc has its own
    Counts* counts = nullptr;
    Account* next = nullptr;  // of those attached
    bool registered_thread = false;
  };

  explicit Heap(HeapOptions const& options)
      : incremental_(options.setting(parameters[0].name, parameters[0].standard) != 0),
        exact_(options.setting(parameters[2].name, parameters[2].standard) != 0),
        accounts_(options.heap_limit_bytes, collectors::never_poll) {
    auto const markers = options.setting(parameters[1].name, parameters[1].standard);
    serial_ = serials_ = serials_ % Header::most_heaps + 1;
    Bdwgc::begin(*this, static_cast<unsigned>(markers), incremental_);
    collections_before_ = Bdwgc::collections();
    if (!options.parts.reclamation) Bdwgc::disable();
  }
  ~Heap() { Bdwgc::end(); }
  Heap(Heap const&) = delete;
  Heap& operator=(Heap const&) = delete;

  void attach(Account& account) {
    account.registered_thread = Bdwgc::enter_thread();
    account.counts = &accounts_.attach(traits.max_mutators);
    Bdwgc::locked([&] {
      account.next = attached_;
      attached_ = &account;
    });
  }
  void detach(Account& account) {
    Bdwgc::locked([&] {
      Account** at = &attached_;
      while (*at != &account) at = &(*at)->next;
      *at = account.next;
    });
    accounts_.detach(*account.counts);
    if (account.registered_thread) Bdwgc::leave_thread();
  }

  CHURN_ALWAYS_INLINE Ref make(Account& account, Shape shape) {
    std::size_t const bytes = sizeof(Header) + requested_bytes(shape);
    if (!account.counts->covers(bytes)) [[unlikely]] {
      poll(account, bytes);
    }
    std::size_t const reference_bytes =
        shape.slots == 0 ? 0 : sizeof(Header) + sizeof(Word) * shape.slots;
    void* cell = Bdwgc::allocate(bytes, reference_bytes, exact_);
    if (cell == nullptr) [[unlikely]] {
      cell = try_again(account, bytes, reference_bytes);
    }
    account.counts->charge(bytes);  // now, since it was not there in a collection before
    auto* const header = ::new (cell) Header{shape.slots | serial_ << 24, shape.payload_bytes};
    return Ref(header + 1);
  }

  // For the split (parts/split_heap.hpp).
  static constexpr std::size_t placed_bytes(Shape shape) noexcept {
    return sizeof(Header) + requested_bytes(shape);
  }
  Ref place(Account&, std::byte* cell, Shape shape) noexcept {
    return Ref(::new (cell) Header{shape.slots | serial_ << 24, shape.payload_bytes} + 1);
  }

  // Every collection is a full one. Returns what is gone since the survivors were last counted.
  std::uint64_t collect(Account&, std::uint32_t) {
    std::lock_guard const lock(counting_mutex_);
    std::uint64_t const before = reclaimed_objects_;
    Bdwgc::collect();
    count_survivors();
    asked_at_ = accounts_.sum(&Counts::allocated_objects);
    retention_unknown_ = true;
    return reclaimed_objects_ - before;
  }

  Stats stats() {
    std::lock_guard const lock(counting_mutex_);
    if (incremental_) complete_a_collection();
    count_survivors();
    collectors::Totals const totals = accounts_.totals();
    if (retention_unknown_ && asked_at_ == totals.allocated_objects) {
      falsely_retained_ = kept_objects_ - std::min(kept_objects_, reachable_objects());
      retention_unknown_ = false;
    }
    Stats stats;
    stats.collections[full] = Bdwgc::collections() - collections_before_;
    stats.reclaimed_objects[full] = reclaimed_objects_;
    stats.allocated_objects = totals.allocated_objects;
    stats.allocated_bytes = totals.charged - sizeof(Header) * totals.allocated_objects;
    stats.reclaimed_bytes = totals.returned - sizeof(Header) * reclaimed_objects_;
    stats.falsely_retained_objects = falsely_retained_;
    pauses_.report(stats);
    return stats;
  }

  // Every slot that an exact trace meets names the start of an object of this heap.
  void verify() {
    for_each_reachable([this](Header* header) {
      bool const names_an_object = Bdwgc::start_of(header) == header && header->heap() == serial_;
      CHURN_CHECK(names_an_object);
    });
  }

  void quiesce() noexcept {}  // markers sleep between collections
  void resume() noexcept {}
  void start_line() { pauses_.start_line(); }

  // ---- weak references and deaths ----

  static void weaken(Bdwgc::WeakLink& weak, Ref object) {
    weak.aim(object ? header_of(object) : nullptr);
  }
  // into(Ref) puts it where roots are.
  template <class Into>
  static void strengthen(Bdwgc::WeakLink const& weak, Into into) {
    Bdwgc::locked([&] {
      void* const start = weak.get();
      into(start == nullptr ? Ref() : reference_to(start));
    });
  }
  static void watch(Ref object, std::uint64_t tag) { Bdwgc::watch(header_of(object), tag); }
  // False, and into() is not called: none is ready.
  template <class Into>
  bool next_dead(std::uint64_t& tag, Into into) {
    Bdwgc::tell_deaths();
    bool found = false;
    Bdwgc::locked([&] {
      found = !ready_.empty();
      if (!found) return;
      Ready const ready = ready_.pop();
      tag = ready.tag;
      into(ready.object);
    });
    return found;
  }

  // What the mutator asks of a heap. bdwgc stops threads by signals, wherever they are.
  struct World {
    void poll(Account&) noexcept {}
    void block(Account&) noexcept {}
    void unblock(Account&) noexcept {}
  };
  World& world() noexcept { return world_; }
  collectors::GlobalRoots& global_roots() noexcept { return globals_; }
  void before_write(Account&, Ref, Ref) noexcept {}
  void after_write(Account&, Ref, Ref) noexcept {}
  void revived(Account&, Ref) noexcept {}

 private:
  static constexpr std::uint32_t full = generations - 1;

  struct Ready {
    Ref object;
    std::uint64_t tag;
  };

  static Header* header_of(Ref object) noexcept {
    return reinterpret_cast<Header*>(object.slots()) - 1;
  }
  static Ref reference_to(void* start) noexcept { return Ref(static_cast<Header*>(start) + 1); }

  // ---- callbacks ----

  void world_stops() noexcept override {
    stopped_ns_ = now_ns();
    // Threads that still run may get ahead of this by an object each.
    allocated_before_ = accounts_.sum(&Counts::allocated_objects);
    charged_before_ = accounts_.sum(&Counts::charged);
  }
  void world_goes_on() noexcept override { pauses_.record_since(stopped_ns_); }
  void push_roots() noexcept override {
    auto const push = [](Ref& ref) { Bdwgc::push(&ref); };
    for (Account* account = attached_; account != nullptr; account = account->next) {
      account->roots.visit_roots(push);
    }
    globals_.visit(push);
    for (Ready& ready : ready_) push(ready.object);
  }
  void died(void* start, std::uint64_t tag) noexcept override {
    if (static_cast<Header const*>(start)->heap() != serial_) return;  // a former heap's
    Bdwgc::locked([&] { ready_.push({reference_to(start), tag}); });
  }

  // ---- counting ----

  // Whether bdwgc's block holds an object of this heap. Blocks in a thread's free list pass for
  // reachable: their first word links them, and is no header that fits the block.
  bool is_ours(Header const* header, std::size_t block_bytes) const noexcept {
    std::uint64_t const bytes = sizeof(Header) + requested_bytes(header->shape());
    return header->heap() == serial_ && bytes <= block_bytes && block_bytes - bytes < page_bytes;
  }
  // Marks are those of a whole collection only after one. It was nobody's wish, and does not count.
  void complete_a_collection() {
    std::uint64_t const before = Bdwgc::collections();
    Bdwgc::collect();
    collections_before_ += Bdwgc::collections() - before;
  }
  void count_survivors() {
    std::uint64_t bytes_kept = 0, objects_kept = 0, allocated = 0, charged = 0;
    Bdwgc::locked([&] {
      allocated = allocated_before_;
      charged = charged_before_;
      Bdwgc::for_each_survivor([&](void* block, std::size_t block_bytes) {
        auto const* const header = static_cast<Header const*>(block);
        if (!is_ours(header, block_bytes)) return;
        ++objects_kept;
        bytes_kept += sizeof(Header) + requested_bytes(header->shape());
      });
    });
    kept_objects_ = objects_kept;
    reclaimed_objects_ =
        std::max(reclaimed_objects_, allocated - std::min(allocated, objects_kept));
    Counts& spare = accounts_.spare();
    spare.returned.set(std::max(spare.returned.get(), charged - std::min(charged, bytes_kept)));
    spare.reclaimed_objects.set(reclaimed_objects_);
  }

  // visit(header) for each object that the contract's roots reach. pre: no mutator runs
  template <class Visit>
  void for_each_reachable(Visit visit) {
    collectors::PageBuffer<Header> met;
    auto const meet = [&](Ref ref) {
      Header* const header = header_of(ref);
      if ((header->slots_and_heap & Header::visited_bit) != 0) return;
      visit(header);
      header->slots_and_heap |= Header::visited_bit;
      met.push(header);
    };
    for (Account* account = attached_; account != nullptr; account = account->next) {
      account->roots.visit(meet);
    }
    globals_.visit(meet);
    Bdwgc::tell_deaths();
    for (Ready const& ready : ready_) meet(ready.object);
    for (std::size_t next = 0; next < met.size(); ++next) {
      Ref const object(met[next] + 1);
      for (std::uint32_t i = 0, slots = met[next]->shape().slots; i < slots; ++i) {
        if (*object.slot(i) != 0) meet(Ref::of(*object.slot(i)));
      }
    }
    for (Header* const header : met) header->slots_and_heap &= ~Header::visited_bit;
  }
  std::uint64_t reachable_objects() {
    std::uint64_t objects = 0;
    for_each_reachable([&](Header*) { ++objects; });
    return objects;
  }

  // ---- the ends of memory ----

  CHURN_NEVER_INLINE void poll(Account& account, std::size_t bytes) {
    if (accounts_.grant(*account.counts, bytes)) return;
    collect(account, full);
    if (accounts_.grant(*account.counts, bytes)) return;
    collectors::stop_at_limit(accounts_, bytes);
  }
  CHURN_NEVER_INLINE void* try_again(Account& account, std::size_t bytes,
                                     std::size_t reference_bytes) {
    collect(account, full);
    if (void* const cell = Bdwgc::allocate(bytes, reference_bytes, exact_)) return cell;
    collectors::stop_without_memory(accounts_, bytes);
  }

  bool const incremental_, exact_;
  collectors::Accounts<Counts> accounts_;
  collectors::GlobalRoots globals_;
  collectors::PageVector<Ready> ready_;
  collectors::PauseLog pauses_;
  World world_;
  Account* attached_ = nullptr;
  std::uint32_t serial_ = 0;
  static inline std::uint32_t serials_ = 0;
  std::uint64_t collections_before_ = 0, stopped_ns_ = 0;
  // When the last collection stopped the world.
  std::uint64_t allocated_before_ = 0, charged_before_ = 0;
  // When survivors were last counted, and what was there when a collection was asked for.
  std::mutex counting_mutex_;
  std::uint64_t kept_objects_ = 0, reclaimed_objects_ = 0, falsely_retained_ = 0;
  std::uint64_t asked_at_ = 0;
  bool retention_unknown_ = false;
};

// As TracingMutator, but a collection may look at roots while their thread is anywhere: they come
// and go under the collector's lock.
class Mutator : public collectors::TracingMutator<Heap> {
  using Base = TracingMutator;
  using Bdwgc = collectors::Bdwgc;

 public:
  using Base::Base;

  class Root {
   public:
    explicit Root(Mutator& mutator) {
      Bdwgc::locked([&] { root_.emplace(mutator); });
    }
    ~Root() {
      Bdwgc::locked([&] { root_.reset(); });
    }
    Root(Root const&) = delete;
    Root& operator=(Root const&) = delete;
    Local& operator*() noexcept { return **root_; }

   private:
    std::optional<Base::Root> root_;
  };
  class Global {
   public:
    explicit Global(Heap& heap) {
      Bdwgc::locked([&] { global_.emplace(heap); });
    }
    ~Global() {
      Bdwgc::locked([&] { global_.reset(); });
    }
    Global(Global const&) = delete;
    Global& operator=(Global const&) = delete;
    Local& operator*() noexcept { return **global_; }

   private:
    std::optional<Base::Global> global_;
  };

  class Weak {
   public:
    explicit Weak(Mutator&) noexcept {}

   private:
    friend Mutator;
    Bdwgc::WeakLink link_;
  };
  void weaken(Weak& weak, Ref object) { Heap::weaken(weak.link_, object); }
  bool strengthen(Local& local, Weak& weak) {
    Heap::strengthen(weak.link_, [&](Ref object) { set(local, object); });
    return static_cast<bool>(local.get());
  }
  void watch(Ref object, std::uint64_t tag) { Heap::watch(object, tag); }
  bool next_dead(Local& local, std::uint64_t& tag) {
    clear(local);
    return heap().next_dead(tag, [&](Ref object) { set(local, object); });
  }
};

struct Collector {
  using Heap = boehm::Heap;
  using Mutator = boehm::Mutator;
  using Split = collectors::SplitOf<Heap, collectors::TracingMutator>;  // roots of one thread
  static constexpr Traits const& traits = boehm::traits;
  static constexpr std::string_view summary =
      "the Boehm-Demers-Weiser collector (libgc): conservative mark-sweep, any number of threads";
  static constexpr auto const& parameters = boehm::parameters;
};

}  // namespace churn::boehm
