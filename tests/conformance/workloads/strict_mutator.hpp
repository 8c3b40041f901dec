// What:  a mutator that reclaims nothing and checks its caller instead: a reference used after a GC
//        point, an initialising store that is not one, a release of what is released already,
//        frames out of order. What it finds is collected in the heap as text. A collection frees
//        nothing either, but tells what is dead: weak references and finalizers work.
// Why:   a workload that breaks the contract may still be right on every collector that we have
//        today.
// How:   a Ref carries the number of the GC point after which it was read; objects are rows of a
//        table.
// Faults: it can also be made wrong in three ways, to prove that a workload's checksum tells.
// When not: anything timed. Not thread-safe: the mutators of a heap are driven by one thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/contracts.hpp"

namespace churn::strict {

enum class Fault {
  none,
  loses_writes,      // now and then a store does not happen
  forgets_payloads,  // now and then a live object is zeroed
  gives_live_ones,   // now and then an allocation returns an object that is still in use
};
inline constexpr std::uint64_t fault_interval = 61;  // stores or allocations from fault to fault

// A weak reference, as the heap sees it.
struct WeakId {
  std::uint32_t id = 0;
};

struct Object {
  Shape shape;
  std::uint32_t born = 0;  // GC point of the mutator that made it, for initialising stores
  bool released = false, reached = false;
  std::optional<std::uint64_t> watched;  // its tag, until it is ready
  bool was_watched = false;
  std::vector<std::uint32_t> slots;
  std::vector<std::byte> payload;
};

class Heap {
 public:
  explicit Heap(Fault fault = Fault::none) : fault_(fault) {
    objects_.emplace_back();  // identity 0 is null
    nobody_.payload.resize(64);
    nobody_.slots.resize(std::size_t{1} << 16);
  }

  void violated(std::string what) {
    if (violations_.size() < 5) violations_.push_back(std::move(what));
  }
  std::vector<std::string> const& violations() const noexcept { return violations_; }

  std::uint32_t make(Shape shape, std::uint32_t epoch) {
    ++allocations_;
    if (fault_ != Fault::none && allocations_ % fault_interval == 0) {
      if (fault_ == Fault::forgets_payloads) forget(last_);
      std::uint32_t const taken = last_of_[{shape.slots, shape.payload_bytes}];
      if (fault_ == Fault::gives_live_ones && taken != 0) {
        forget(taken);
        return taken;
      }
    }
    Object object;
    object.shape = shape;
    object.born = epoch;
    object.slots.resize(shape.slots);
    object.payload.resize(shape.payload_bytes);
    objects_.push_back(std::move(object));
    last_ = static_cast<std::uint32_t>(objects_.size() - 1);
    last_of_[{shape.slots, shape.payload_bytes}] = last_;
    if (++live_ > peak_live_) peak_live_ = live_;
    return last_;
  }

  void release(std::uint32_t id, Shape shape) {
    Object& object = objects_[id];
    if (id == 0) return violated("null is released");
    if (object.released) return violated("an object is released twice");
    if (!fits(id, shape)) violated("an object is released with another shape");
    object.released = true;
    --live_;
  }

  // A stand-in where there is no such object, so that a wrong heap still gives an answer.
  Object& object(std::uint32_t id) {
    if (id != 0 && !objects_[id].released) return objects_[id];
    if (fault_ == Fault::none) violated(id == 0 ? "null is followed" : "a released object is used");
    return nobody_;
  }

  bool store_is_lost() noexcept {
    return fault_ == Fault::loses_writes && ++stores_ % fault_interval == 0;
  }

  std::uint64_t allocations() const noexcept { return allocations_; }
  std::uint64_t live() const noexcept { return live_; }
  std::uint64_t peak_live() const noexcept { return peak_live_; }
  std::uint64_t owners() const noexcept { return owners_; }

  // What a frame, root or global keeps: where its local's object is written.
  void own(std::uint32_t const* id) { owned_.push_back(id); }
  void disown(std::uint32_t const* id) {
    owned_.erase(std::prev(std::find(owned_.rbegin(), owned_.rend(), id).base()));
  }
  // Frames, roots and globals that exist.
  void count_owner(std::int64_t change) noexcept { owners_ += static_cast<std::uint64_t>(change); }

  void add_weak(WeakId* weak) { weak_.push_back(weak); }
  void remove_weak(WeakId const* weak) { std::erase(weak_, weak); }
  void watch(std::uint32_t id, std::uint64_t tag) {
    Object& object = this->object(id);
    if (object.watched || object.was_watched) violated("an object is watched twice");
    object.watched = tag;
    object.was_watched = true;
  }
  std::optional<std::pair<std::uint32_t, std::uint64_t>> next_dead() {
    if (ready_.empty()) return std::nullopt;
    auto const first = ready_.front();
    ready_.pop_front();
    return first;
  }

  // Finds what no local reaches: weak references to it are cleared, the watched become ready.
  void collect() {
    std::vector<std::uint32_t> open;
    for (std::uint32_t const* const id : owned_) open.push_back(*id);
    for (auto const& [id, tag] : ready_) open.push_back(id);
    for (Object& object : objects_) object.reached = false;
    while (!open.empty()) {
      Object& object = objects_[open.back()];
      open.pop_back();
      if (object.reached) continue;
      object.reached = true;
      open.insert(open.end(), object.slots.begin(), object.slots.end());
    }
    for (WeakId* const weak : weak_) {
      if (!objects_[weak->id].reached) weak->id = 0;
    }
    for (std::uint32_t id = 1; id < objects_.size(); ++id) {
      Object& object = objects_[id];
      if (object.reached || !object.watched) continue;
      ready_.emplace_back(id, *object.watched);
      object.watched.reset();
    }
  }

 private:
  bool fits(std::uint32_t id, Shape shape) const noexcept {
    return objects_[id].shape.slots == shape.slots &&
           objects_[id].shape.payload_bytes == shape.payload_bytes;
  }
  void forget(std::uint32_t id) { std::ranges::fill(objects_[id].payload, std::byte{0}); }

  Fault const fault_;
  std::deque<Object> objects_;
  Object nobody_;
  std::vector<std::string> violations_;
  std::uint32_t last_ = 0;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> last_of_;  // by shape
  std::uint64_t allocations_ = 0, stores_ = 0, live_ = 0, peak_live_ = 0;
  std::uint64_t owners_ = 0;
  std::vector<std::uint32_t const*> owned_;
  std::vector<WeakId*> weak_;
  std::deque<std::pair<std::uint32_t, std::uint64_t>> ready_;  // dead and not yet pulled
};

class Mutator {
 public:
  struct Ref {
    std::uint32_t id = 0;
    std::uint32_t epoch = 0;
    // Identity alone: the same object read before and after a GC point is the same.
    friend bool operator==(Ref a, Ref b) noexcept { return a.id == b.id; }
  };

  class Local {
   public:
    Local() = default;
    Local(Local&&) = delete;
    // Which mutator reads a global is not known: its references have no age.
    Ref get() const noexcept {
      return id_ == 0 ? Ref{} : Ref{id_, m_ == nullptr ? ageless : m_->epoch_};
    }

   private:
    friend class Mutator;
    Mutator* m_ = nullptr;  // null: a global's
    std::uint32_t id_ = 0;
  };

  template <std::size_t n>
  class Frame {
   public:
    explicit Frame(Mutator& m) : m_(m), depth_(++m.depth_) {
      m.heap_.count_owner(1);
      for (Local& local : locals_) {
        local.m_ = &m;
        m.heap_.own(&local.id_);
      }
    }
    Frame(Frame const&) = delete;
    ~Frame() {
      if (m_.depth_-- != depth_) m_.heap_.violated("frames do not end in the order of a stack");
      m_.heap_.count_owner(-1);
      for (Local const& local : locals_) m_.heap_.disown(&local.id_);
    }
    Local& operator[](std::size_t i) { return locals_.at(i); }

   private:
    Mutator& m_;
    std::uint64_t const depth_;
    std::array<Local, n> locals_;
  };

  class Root {
   public:
    explicit Root(Mutator& m) : m_(m) {
      local_.m_ = &m;
      m.heap_.count_owner(1);
      m.heap_.own(&local_.id_);
    }
    Root(Root const&) = delete;
    ~Root() {
      m_.heap_.count_owner(-1);
      m_.heap_.disown(&local_.id_);
    }
    Local& operator*() noexcept { return local_; }

   private:
    Mutator& m_;
    Local local_;
  };
  class Global {
   public:
    explicit Global(Heap& heap) : heap_(heap) {
      heap.count_owner(1);
      heap.own(&local_.id_);
    }
    Global(Global const&) = delete;
    ~Global() {
      heap_.count_owner(-1);
      heap_.disown(&local_.id_);
    }
    Local& operator*() noexcept { return local_; }

   private:
    Heap& heap_;
    Local local_;
  };
  class Weak {
   public:
    explicit Weak(Mutator& m) : heap_(m.heap_) { heap_.add_weak(&named_); }
    Weak(Weak const&) = delete;
    ~Weak() { heap_.remove_weak(&named_); }

   private:
    friend class Mutator;
    Heap& heap_;
    WeakId named_;
  };
  struct Blocked {
    explicit Blocked(Mutator&) {}
  };

  explicit Mutator(Heap& heap) : heap_(heap) {}
  Mutator(Mutator const&) = delete;

  void allocate(Local& l, Shape shape) {
    ++epoch_;
    l.id_ = heap_.make(shape, epoch_);
  }
  void safepoint() { ++epoch_; }
  std::uint64_t collect(std::uint32_t) {
    ++epoch_;
    heap_.collect();
    return 0;
  }
  void weaken(Weak& weak, Ref r) {
    check(r);
    weak.named_.id = r.id;
  }
  bool strengthen(Local& l, Weak const& weak) {
    l.id_ = weak.named_.id;
    return l.id_ != 0;
  }
  void watch(Ref r, std::uint64_t tag) {
    check(r);
    heap_.watch(r.id, tag);
  }
  bool next_dead(Local& l, std::uint64_t& tag) {
    auto const dead = heap_.next_dead();
    l.id_ = dead ? dead->first : 0;
    if (dead) tag = dead->second;
    return dead.has_value();
  }

  Ref read(Ref r, std::uint32_t i) noexcept {
    std::uint32_t const id = slot(r, i);
    return id == 0 ? Ref{} : Ref{id, epoch_};
  }
  void write(Ref r, std::uint32_t i, Ref value) {
    check(value);
    store(r, i, value.id);
  }
  void write(Ref r, std::uint32_t i, Local&& value) { store(r, i, std::exchange(value.id_, 0)); }
  void write_new(Ref r, std::uint32_t i, Ref value) noexcept {
    check_new(r, i);
    write(r, i, value);
  }
  void write_new(Ref r, std::uint32_t i, Local&& value) noexcept {
    check_new(r, i);
    write(r, i, std::move(value));
  }
  void take(Local& l, Ref r, std::uint32_t i) { l.id_ = std::exchange(slot(r, i), 0); }
  void move_slots(Ref to, std::uint32_t to_at, Ref from, std::uint32_t from_at, std::uint32_t n) {
    for (std::uint32_t i = 0; i < n; ++i) {
      std::uint32_t& target = slot(to, to_at + i);
      if (target != 0) heap_.violated("move_slots into a slot that is not null");
      target = std::exchange(slot(from, from_at + i), 0);
    }
  }
  std::byte* payload(Ref r, Shape shape) noexcept {
    check(r);
    Object& object = heap_.object(r.id);
    if (object.payload.size() < shape.payload_bytes)
      heap_.violated("a payload is read as too long");
    return object.payload.data();
  }

  void set(Local& l, Ref r) {
    check(r);
    l.id_ = r.id;
  }
  void move(Local& to, Local& from) {
    if (&to != &from) to.id_ = std::exchange(from.id_, 0);
  }
  void clear(Local& l) { l.id_ = 0; }
  void read_shared(Local& l, Ref r, std::uint32_t i) { l.id_ = slot(r, i); }
  void exchange_shared(Local& old, Ref r, std::uint32_t i, Local&& fresh) {
    old.id_ = std::exchange(slot(r, i), std::exchange(fresh.id_, 0));
  }

  void release(Ref r, Shape shape) noexcept {
    check(r);
    heap_.release(r.id, shape);
  }

 private:
  void check(Ref r) {
    if (r.id != 0 && r.epoch != epoch_ && r.epoch != ageless) {
      heap_.violated("a reference is used after a GC point");
    }
  }
  void check_new(Ref r, std::uint32_t i) {
    if (heap_.object(r.id).born != epoch_) heap_.violated("write_new after a GC point");
    if (slot(r, i) != 0) heap_.violated("write_new over a slot that is not null");
  }
  std::uint32_t& slot(Ref r, std::uint32_t i) {
    check(r);
    Object& object = heap_.object(r.id);
    if (i < object.slots.size()) return object.slots[i];
    heap_.violated("a slot lies beyond its object");
    return beyond_;
  }
  void store(Ref r, std::uint32_t i, std::uint32_t id) {
    if (!heap_.store_is_lost()) slot(r, i) = id;
  }

  static constexpr std::uint32_t ageless = 0;

  Heap& heap_;
  std::uint32_t epoch_ = 1;  // GC points so far
  std::uint64_t depth_ = 0;
  std::uint32_t beyond_ = 0;
};

static_assert(churn::Mutator<Mutator> && churn::Releases<Mutator> &&
              churn::WeakReferences<Mutator> && churn::Finalizes<Mutator>);

}  // namespace churn::strict
