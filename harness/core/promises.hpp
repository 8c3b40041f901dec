// What:  what a mutator can do beyond the contract that all share, one named concept per promise:
//        weak references, finalizers, finalizers in place, counts, control after Python's gc.
// Why:   a strategy has the notion or it has not; Traits says which, and who needs one asks for it.
//
// Weak      one word that does not keep its object. Made and destroyed through one mutator, on its
//           thread, like a Root; any lifetime and order. `strengthen` gives the object, or null and
//           false from the moment its death is decided; it stays dead when a finalizer resurrects
//           the object.
// watch     asks to be told once of an object's death, with a tag. At most once per object, and
//           for its whole life: one that was resurrected is not watched again.
// next_dead gives a watched object that has died, whole, with all it reaches, to a local that then
//           owns it: keeping it anywhere resurrects it, dropping it lets it go. By any mutator.
//           Objects become ready where counting sees them die, or at the GC point of a collection
//           that finds them; after collect(full) all that are dead are ready. Order: none
//           promised. Objects that a ready one reaches live until it has been dropped. A heap that
//           ends forgets what nobody has pulled.
//
// In place  instead of pulling, a hook runs inside the collection or the drop that finds the death,
//           as in CPython: in order of creation within a collection; it may use the mutator for
//           anything, collect() included, which then returns 0. Weak objects are objects of the
//           heap: allocate_weak makes one that refers to r, and reports its death through the
//           other hook, unless the weak object is garbage of the same collection, or dead. In a
//           collection, weak objects are cleared, and their hooks run, before any finalizer; in a
//           drop after it, and only if the object then dies.
//
// Thread-safety: as the mutator's.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace churn {

inline constexpr std::size_t generations = 3;

// clang-format off: the columns say more than the rules
template <class M>
concept WeakReferences = requires(M& m, typename M::Weak& w, typename M::Local& l,
                                  typename M::Ref r) {
  requires std::constructible_from<typename M::Weak, M&>;   // names nothing
  { m.weaken(w, r) } -> std::same_as<void>;                 // r may be null
  { m.strengthen(l, w) } -> std::same_as<bool>;             // old value of l dropped after
};

template <class M>
concept Finalizes = requires(M& m, typename M::Ref r, typename M::Local& l, std::uint64_t& tag) {
  { m.watch(r, tag) } -> std::same_as<void>;
  { m.next_dead(l, tag) } -> std::same_as<bool>;            // false, l null: none is ready
};

// Called with the mutator that found the death; `object` is valid as any Ref is.
template <class M>
struct DeathHooks {
  void* context = nullptr;
  void (*finalize)(void* context, M& m, typename M::Ref object, std::uint64_t tag) = nullptr;
  // `weak` is the weak object, already cleared.
  void (*weak_died)(void* context, M& m, typename M::Ref weak, std::uint64_t tag) = nullptr;
};

template <class M>
concept FinalizesInPlace = Finalizes<M> && requires(M& m, typename M::Ref r, typename M::Local& l,
                                                    std::uint64_t tag, DeathHooks<M> hooks) {
  { m.on_death(hooks) } -> std::same_as<void>;              // null finalize: next_dead, as before
  // A GC point; r is kept meanwhile. Tag 0: no hook.
  { m.allocate_weak(l, r, tag) } -> std::same_as<void>;
  { m.referent(l, r) } -> std::same_as<bool>;               // of a weak object: null once cleared
};

// How many slots and locals name the object.
template <class M>
concept CountsReferences = requires(M& m, typename M::Ref r) {
  { m.reference_count(r) } -> std::same_as<std::uint64_t>;
};
// clang-format on

// One row of get_stats: of the collections that ran as this generation.
struct GenerationStats {
  std::uint64_t collections = 0, collected = 0, uncollectable = 0;
  friend bool operator==(GenerationStats const&, GenerationStats const&) = default;
};

// What a callback is told; the figures are zero at the start.
struct CollectionEvent {
  bool stops = false;  // else it starts
  std::uint32_t generation = 0;
  std::uint64_t collected = 0, uncollectable = 0;
};

struct CollectionHook {
  void* context = nullptr;
  void (*notice)(void* context, CollectionEvent const& event) = nullptr;
};

using PerGeneration = std::array<std::uint64_t, generations>;

// After Python's gc module. Automatic collections stop while disabled; collect(g) works always.
// freeze moves all objects out of every collection's sight until unfreeze. With save_all, what a
// collection finds is put on the garbage list instead of being freed.
template <class M>
concept Controls =
    requires(M& m, M const& c, typename M::Ref r, typename M::Local& l, std::size_t index,
             PerGeneration const& thresholds, CollectionHook hook, bool on) {
      { m.enable() } -> std::same_as<void>;
      { m.disable() } -> std::same_as<void>;
      { c.is_enabled() } -> std::same_as<bool>;
      { c.get_stats() } -> std::same_as<std::array<GenerationStats, generations>>;
      { c.get_count() } -> std::same_as<PerGeneration>;
      { c.get_threshold() } -> std::same_as<PerGeneration>;
      { m.set_threshold(thresholds) } -> std::same_as<void>;  // [0] == 0: no automatic collection
      { m.freeze() } -> std::same_as<void>;
      { m.unfreeze() } -> std::same_as<void>;
      { c.get_freeze_count() } -> std::same_as<std::uint64_t>;
      { m.save_all(on) } -> std::same_as<void>;
      { c.garbage_size() } -> std::same_as<std::size_t>;
      { m.garbage(l, index) } -> std::same_as<void>;  // pre: index < garbage_size()
      { m.clear_garbage() } -> std::same_as<void>;
      { m.on_collection(hook) } -> std::same_as<void>;  // null notice: none
      { c.is_tracked(r) } -> std::same_as<bool>;
      { c.size_of(r) } -> std::same_as<std::uint64_t>;  // bytes it asked for, header included
    };

}  // namespace churn
