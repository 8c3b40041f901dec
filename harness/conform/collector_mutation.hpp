// What:  thousands of random contract operations on a heap and on a Model of it; after every
//        collection what is reachable is intact, and what is present is exactly what the model
//        says.
// Why:   the bugs that remain after the properties are in combinations nobody thought of.
// How:   a seed determines everything. Operations start from a random place (local of a frame,
//        root, global) and walk a few slots, comparing what they meet with the model on the way.
// Deaths: where the collector promises them, weak references and watched objects come in. What has
//        been handed out may live again, so what was said of a death before is then not compared.
// Stress: `collect_every` forces a collection at every Nth allocation.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "harness/conform/collector_model.hpp"
#include "harness/conform/collector_subject.hpp"
#include "harness/core/random.hpp"

namespace churn::conform {

struct MutationOptions {
  std::uint64_t seed = 1;
  std::uint64_t operations = 4000;
  std::uint64_t collect_every = 0;  // allocations; 0: collections come at random alone
  std::uint32_t threads = 1;        // each with a graph of its own; above 1 with other mutators
};

template <Collector C>
class Mutation {
  using M = typename C::Mutator;
  using Heap = typename C::Heap;
  using Ref = typename M::Ref;
  using Local = typename M::Local;
  using Id = Model::Id;

 public:
  // `alone`: no other mutator runs, so that the heap can be verified and counted on the way.
  Mutation(Heap& heap, M& m, MutationOptions const& options, std::uint64_t stream, bool alone)
      : heap_(heap),
        m_(m),
        options_(options),
        alone_(alone),
        random_(Random::fork(options.seed, stream)),
        identity_base_(stream << 32) {}

  // Throws a Violation that names seed and operation. Leaves no root behind, but `present_at_end()`
  // objects that a collector without cycles keeps.
  void run() {
    try {
      while (operation_ < options_.operations) level(0);
      roots_.clear();
      globals_.clear();
      compare();
      weak_.clear();
    } catch (Violation& violation) {
      violation.text +=
          ", seed " + std::to_string(options_.seed) + ", operation " + std::to_string(operation_);
      throw;
    }
  }
  std::uint64_t present_at_end() const noexcept { return model_.present().size(); }

 private:
  struct Place {
    Local* local;
    Id id = Model::null;
  };
  struct HeldRoot {
    explicit HeldRoot(M& m) : root(m), place{&*root} {}
    typename M::Root root;
    Place place;
  };
  struct HeldGlobal {
    explicit HeldGlobal(Heap& heap) : global(heap), place{&*global} {}
    typename M::Global global;
    Place place;
  };
  struct Weak {
    explicit Weak(M& m) : reference(m) {}
    typename M::Weak reference;
    Id id = Model::null;
    std::uint64_t pulled = 0;  // objects, when it was aimed
  };
  struct NoWeak {};
  using HeldWeak = typename std::conditional_t<C::traits.weak, std::type_identity<Weak>,
                                               std::type_identity<NoWeak>>::type;
  struct Spot {  // an object, met on a walk; valid until the next GC point
    Ref ref{};
    Id id = Model::null;
  };

  static constexpr std::uint32_t frame_locals = 3, deepest = 6;
  static constexpr std::size_t most_roots = 6, most_globals = 3, most_weak = 12;

  // One frame's worth of operations; deeper frames come and go meanwhile.
  void level(std::uint32_t depth) {
    typename M::template Frame<frame_locals> frame(m_);
    std::array<Place, frame_locals> places{Place{&frame[0]}, Place{&frame[1]}, Place{&frame[2]}};
    for (auto& place : places) frame_places_.push_back(&place);
    for (std::uint64_t left = random_.between(5, 60); left-- > 0;) {
      step();
      if (depth < deepest && random_.below(12) == 0) level(depth + 1);
      if (operation_ >= options_.operations) break;
    }
    frame_places_.resize(frame_places_.size() - frame_locals);
  }

  void step() {
    ++operation_;
    if (C::traits.weak && random_.below(10) == 0) return weak_references();
    if (watches() && random_.below(20) == 0) return deaths();
    switch (random_.below(24)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
        return allocate();
      case 6:
      case 7:
      case 8:
        return write();
      case 9:
        return write_moved();
      case 10:
        return take();
      case 11:
        return move_slots();
      case 12:
        return read_shared();
      case 13:
        return exchange_shared();
      case 14:
      case 15:
        return set();
      case 16:
        return move();
      case 17:
      case 18:
        return clear();
      case 19:
        return cut();
      case 20:
        return roots();
      case 21:
        return globals();
      case 22:
        return gc_point();
      default:
        return into_own_slot();
    }
  }

  // ---- operations ----

  void allocate() {
    static constexpr std::array<Shape, 8> shapes{
        {{0, 8}, {1, 8}, {2, 16}, {2, 0}, {3, 40}, {8, 8}, {24, 200}, {0, 600}}};
    Shape const shape = shapes[random_.below(shapes.size())];
    Place& place = any_place();
    m_.allocate(*place.local, shape);
    Id const id = place.id = model_.make(shape);
    Ref const object = place.local->get();
    if constexpr (Releases<M>) refs_.push_back(object);
    for (std::uint32_t i = 0; i < shape.slots; ++i) {
      expect(m_.read(object, i) == Ref{}, "a slot of a new object is not null");
    }
    expect(zeroed(m_.payload(object, shape), shape.payload_bytes), "a new payload is not zeroed");
    stamp(m_.payload(object, shape), shape.payload_bytes, identity(id));
    for (std::uint32_t i = 0; i < shape.slots && random_.below(3) != 0; ++i) {
      initialise(place, i);
    }
    ++allocations_;
    if (options_.collect_every != 0 && allocations_ % options_.collect_every == 0) {
      collect(static_cast<std::uint32_t>(random_.below(generations)));
    }
  }
  // pre: no GC point since the object that `place` names was allocated, and the slot is null.
  void initialise(Place const& place, std::uint32_t slot) {
    Ref const object = place.local->get();
    Place& from = any_place();
    if (&from == &place || random_.below(2) == 0) {
      Spot const value = any_object();
      m_.write_new(object, slot, value.ref);
      model_[place.id].slots[slot] = value.id;
    } else {
      m_.write_new(object, slot, std::move(*from.local));
      model_[place.id].slots[slot] = from.id;
      lost(from);
    }
  }

  void write() {
    Spot const object = any_object();
    if (!has_slots(object)) return;
    std::uint32_t const slot = any_slot(object);
    Spot const value = random_.below(8) == 0 ? Spot{} : any_object();
    m_.write(object.ref, slot, value.ref);
    model_[object.id].slots[slot] = value.id;
  }
  void write_moved() {
    Spot const object = any_object();
    if (!has_slots(object)) return;
    std::uint32_t const slot = any_slot(object);
    Place& from = any_place();
    m_.write(object.ref, slot, std::move(*from.local));
    model_[object.id].slots[slot] = from.id;
    lost(from);
  }
  void into_own_slot() {
    Place& from = any_place();
    Spot const object{from.local->get(), from.id};
    if (!has_slots(object)) return;
    std::uint32_t const slot = any_slot(object);
    m_.write(object.ref, slot, std::move(*from.local));
    model_[object.id].slots[slot] = from.id;
    lost(from);
  }
  void take() {
    Place& to = any_place();
    // At times out of the object that the local itself names: it then drops that object.
    Spot const object = random_.below(2) == 0 ? any_object() : Spot{to.local->get(), to.id};
    if (!has_slots(object)) return;
    std::uint32_t const slot = any_slot(object);
    m_.take(*to.local, object.ref, slot);
    to.id = model_[object.id].slots[slot];
    model_[object.id].slots[slot] = Model::null;
  }
  void cut() {
    Spot const object = any_object();
    if (!has_slots(object)) return;
    std::uint32_t const slot = any_slot(object);
    m_.write(object.ref, slot, Ref{});
    model_[object.id].slots[slot] = Model::null;
  }
  void move_slots() {
    Spot const source = any_object(), target = any_object();
    if (!has_slots(source) || !has_slots(target)) return;
    auto& from = model_[source.id].slots;
    auto& to = model_[target.id].slots;
    auto const from_at = any_slot(source), to_at = any_slot(target);
    std::uint32_t n = 0;  // as far as the target is null and both have room
    while (from_at + n < from.size() && to_at + n < to.size() && to[to_at + n] == Model::null) ++n;
    if (source.id == target.id) {
      n = std::min(n, from_at < to_at ? to_at - from_at : from_at - to_at);
    }
    m_.move_slots(target.ref, to_at, source.ref, from_at, n);
    for (std::uint32_t i = 0; i < n; ++i) {
      to[to_at + i] = from[from_at + i];
      from[from_at + i] = Model::null;
    }
  }
  void read_shared() {
    Place& to = any_place();
    Spot const object = random_.below(2) == 0 ? any_object() : Spot{to.local->get(), to.id};
    if (!has_slots(object)) return;
    std::uint32_t const slot = any_slot(object);
    m_.read_shared(*to.local, object.ref, slot);
    to.id = model_[object.id].slots[slot];
  }
  void exchange_shared() {
    Spot const object = any_object();
    if (!has_slots(object)) return;
    std::uint32_t const slot = any_slot(object);
    Place& to = any_place();
    Place& from = any_place();  // now and then the same
    Id const new_id = from.id;
    m_.exchange_shared(*to.local, object.ref, slot, std::move(*from.local));
    from.id = Model::null;
    to.id = model_[object.id].slots[slot];
    model_[object.id].slots[slot] = new_id;
    if (&to != &from) expect(from.local->get() == Ref{}, "an exchanged local is not null");
  }
  void set() {
    Place& to = any_place();
    Spot const value = random_.below(10) == 0 ? Spot{} : any_object();
    m_.set(*to.local, value.ref);
    to.id = value.id;
  }
  void move() {
    Place& to = any_place();
    Place& from = any_place();  // now and then the same
    m_.move(*to.local, *from.local);
    if (&to == &from) return;
    to.id = from.id;
    lost(from);
  }
  void clear() {
    Place& place = any_place();
    m_.clear(*place.local);
    lost(place);
  }
  void roots() {
    if (roots_.size() < most_roots && random_.below(2) == 0) {
      roots_.push_back(std::make_unique<HeldRoot>(m_));
    } else if (!roots_.empty()) {
      roots_.erase(roots_.begin() + static_cast<std::ptrdiff_t>(random_.below(roots_.size())));
    }
  }
  void globals() {
    if (globals_.size() < most_globals && random_.below(2) == 0) {
      globals_.push_back(std::make_unique<HeldGlobal>(heap_));
    } else if (!globals_.empty()) {
      globals_.erase(globals_.begin() +
                     static_cast<std::ptrdiff_t>(random_.below(globals_.size())));
    }
  }
  void weak_references() {
    if constexpr (C::traits.weak) {
      if (weak_.size() < most_weak && random_.below(3) == 0) {
        Spot const object = any_object();
        weak_.push_back(std::make_unique<HeldWeak>(m_));
        m_.weaken(weak_.back()->reference, object.ref);
        weak_.back()->id = object.id;
        weak_.back()->pulled = pulled_;
      } else if (!weak_.empty()) {
        auto const at = static_cast<std::ptrdiff_t>(random_.below(weak_.size()));
        HeldWeak& weak = *weak_[static_cast<std::size_t>(at)];
        Place& to = any_place();
        bool const lives = is_reachable(weak.id);
        bool const given = m_.strengthen(*to.local, weak.reference);
        to.id = given ? weak.id : Model::null;
        if (given && kept_without_cause(to)) {
          lost_again(to);
        } else if (given) {
          expect(weak.id != Model::null && !model_[weak.id].gone,
                 "a weak reference gives what is dead");
          expect_right(to.local->get(), to.id);
        } else {
          expect(!lives || weak.pulled != pulled_, "a weak reference has lost what lives");
        }
        if (!given || random_.below(4) == 0) weak_.erase(weak_.begin() + at);
      }
    }
  }
  // Ready objects are everybody's: only who is alone knows which are its own.
  bool watches() const noexcept { return C::traits.finalizers && alone_; }
  void deaths() {
    if constexpr (C::traits.finalizers) {
      Spot const object = any_object();
      if (object.id != Model::null && random_.below(2) == 0) {
        if (!watched_.insert({object.id, true}).second) return;
        m_.watch(object.ref, static_cast<std::uint64_t>(object.id));
      } else {
        Place& to = any_place();
        if (pull(*to.local, to.id) && kept_without_cause(to)) lost_again(to);
      }
    }
  }
  // By a conservative collector: the model knows it no more.
  bool kept_without_cause(Place const& place) {
    return C::traits.conservative && model_[place.id].gone;
  }
  void lost_again(Place& place) {
    m_.clear(*place.local);
    lost(place);
  }
  // Whether there was one; its id.
  bool pull(Local& local, Id& id) {
    std::uint64_t tag = 0;
    bool const pulled = m_.next_dead(local, tag);
    id = pulled ? static_cast<Id>(tag) : Model::null;
    if (!pulled) return false;
    auto const found = watched_.find(id);
    expect(found != watched_.end() && found->second, "next_dead gives what is not watched");
    found->second = false;
    expect_right(local.get(), id);
    ++pulled_;
    return true;
  }
  bool is_reachable(Id wanted) {
    std::vector<bool> met(model_.size());
    std::vector<Id> todo;
    auto const visit = [&](Id id) {
      if (id == Model::null || met[static_cast<std::size_t>(id)]) return;
      met[static_cast<std::size_t>(id)] = true;
      todo.push_back(id);
    };
    for (Place* const place : all_places()) visit(place->id);
    while (!todo.empty()) {
      Id const id = todo.back();
      todo.pop_back();
      if (id == wanted) return true;
      for (Id const slot : model_[id].slots) visit(slot);
    }
    return false;
  }
  void gc_point() {
    switch (random_.below(8)) {
      case 0:
        return compare();
      case 1:
      case 2:
        return collect(static_cast<std::uint32_t>(random_.below(generations)));
      case 3: {
        typename M::Blocked const blocked(m_);
        return;
      }
      default:
        return m_.safepoint();
    }
  }

  // ---- comparing ----

  void collect(std::uint32_t generation) {
    m_.collect(generation);
    compare_reachable();
  }

  // A full collection, then everything: contents, counts, the heap's own view of itself.
  void compare() {
    m_.collect(full);
    if constexpr (C::traits.finalizers) {
      if (alone_) let_the_dead_go();
    }
    compare_reachable();
    if constexpr (C::traits.reclaims || C::traits.manual_release) settle();
    if (!alone_) return;
    typename M::Blocked const blocked(m_);
    heap_.verify();
    if constexpr (C::traits.reports_objects) {
      std::uint64_t const present = heap_.stats().present_objects();
      if (C::traits.conservative && present >= model_.present().size()) return;
      expect_equal(present, model_.present().size(), "objects present after a full collection");
    }
  }
  void let_the_dead_go() {
    typename M::template Frame<1> dead(m_);
    for (Id id = Model::null; pull(dead[0], id);) {
      m_.clear(dead[0]);
      m_.collect(full);
    }
  }
  void settle() {
    std::vector<Id> named;
    for (Place* const place : all_places()) {
      if (place->id != Model::null) named.push_back(place->id);
    }
    auto const gone = model_.settle(named, C::traits.cycles || C::traits.manual_release);
    for (Id const id : gone) {
      auto const found = watched_.find(id);
      bool const untold = found != watched_.end() && found->second;
      expect(!untold || C::traits.conservative, "a watched object has died unseen");
    }
    if constexpr (Releases<M>) {
      for (Id const id : gone) m_.release(refs_[static_cast<std::size_t>(id)], model_[id].shape);
    }
  }

  // Walks the real heap along the model from every place. The same object must be met at the same
  // address by every path.
  void compare_reachable() {
    std::vector<Spot> todo;
    std::vector<Ref> met(model_.size());
    auto const visit = [&](Ref ref, Id id) {
      expect((ref == Ref{}) == (id == Model::null), "a slot or local is null, or not, wrongly");
      if (id == Model::null) return;
      Ref& known = met[static_cast<std::size_t>(id)];
      if (known != Ref{}) return expect(known == ref, "two paths lead to different objects");
      known = ref;
      expect_right(ref, id);
      todo.push_back({ref, id});
    };
    for (Place* const place : all_places()) visit(place->local->get(), place->id);
    while (!todo.empty()) {
      Spot const spot = todo.back();
      todo.pop_back();
      auto const& slots = model_[spot.id].slots;
      for (std::uint32_t i = 0; i < slots.size(); ++i) visit(m_.read(spot.ref, i), slots[i]);
    }
  }

  void expect_right(Ref ref, Id id) {
    Shape const shape = model_[id].shape;
    expect(stamped(m_.payload(ref, shape), shape.payload_bytes, identity(id)),
           "a reachable object has lost its payload, or is another one");
  }
  static bool zeroed(std::byte const* payload, std::uint32_t bytes) {
    for (std::uint32_t i = 0; i < bytes; ++i) {
      if (payload[i] != std::byte{0}) return false;
    }
    return true;
  }

  // ---- choosing ----

  std::vector<Place*> all_places() {
    std::vector<Place*> places = frame_places_;
    for (auto& root : roots_) places.push_back(&root->place);
    for (auto& global : globals_) places.push_back(&global->place);
    return places;
  }
  Place& any_place() {
    std::size_t const at = random_.below(frame_places_.size() + roots_.size() + globals_.size());
    if (at < frame_places_.size()) return *frame_places_[at];
    if (at < frame_places_.size() + roots_.size()) return roots_[at - frame_places_.size()]->place;
    return globals_[at - frame_places_.size() - roots_.size()]->place;
  }
  // Null, or what a walk of a few slots from a place ends at.
  Spot any_object() {
    Place const& place = any_place();
    Spot spot{place.local->get(), place.id};
    expect((spot.ref == Ref{}) == (spot.id == Model::null), "a local is null, or not, wrongly");
    for (std::uint64_t steps = random_.below(5); steps-- > 0 && has_slots(spot);) {
      std::uint32_t const slot = any_slot(spot);
      Id const next = model_[spot.id].slots[slot];
      if (next == Model::null) break;
      spot = {m_.read(spot.ref, slot), next};
      expect(spot.ref != Ref{}, "a slot that was written is null");
      expect_right(spot.ref, spot.id);
    }
    return spot;
  }
  bool has_slots(Spot const& spot) {
    return spot.id != Model::null && model_[spot.id].shape.slots > 0;
  }
  std::uint32_t any_slot(Spot const& spot) {
    return static_cast<std::uint32_t>(random_.below(model_[spot.id].shape.slots));
  }
  std::uint64_t identity(Id id) const noexcept {
    return identity_base_ + static_cast<std::uint64_t>(id) + 1;
  }
  void lost(Place& place) {
    place.id = Model::null;
    expect(place.local->get() == Ref{}, "a local that was moved or cleared is not null");
  }

  Heap& heap_;
  M& m_;
  MutationOptions const options_;
  bool const alone_;
  Random random_;
  std::uint64_t const identity_base_;
  std::uint64_t operation_ = 0, allocations_ = 0;
  Model model_;
  std::vector<Ref> refs_;  // by id, where objects are released by hand
  std::vector<Place*> frame_places_;
  std::vector<std::unique_ptr<HeldRoot>> roots_;
  std::vector<std::unique_ptr<HeldGlobal>> globals_;
  std::vector<std::unique_ptr<HeldWeak>> weak_;
  std::map<Id, bool> watched_;  // whether it has not been handed out yet
  std::uint64_t pulled_ = 0;
};

// One seed on a fresh heap. Throws a Violation. pre: threads <= max_mutators of the collector
template <Collector C>
void mutate(MutationOptions const& options) {
  using M = typename C::Mutator;
  if (options.threads == 1) {
    typename C::Heap heap(HeapOptions{});
    M m(heap);
    return Mutation<C>(heap, m, options, 0, true).run();
  }
  Subject<C> subject;
  std::atomic<std::uint64_t> present{0};
  subject.on_threads(options.threads, [&](std::uint32_t thread) {
    M m(subject.heap);
    Mutation<C> mutation(subject.heap, m, options, thread + 1, false);
    mutation.run();
    present += mutation.present_at_end();
  });
  subject.hand->m.collect(full);
  subject.verify();
  if constexpr (C::traits.reports_objects && !C::traits.conservative) {
    expect_equal(subject.heap.stats().present_objects(), present, "objects present at the end");
  }
}

}  // namespace churn::conform
