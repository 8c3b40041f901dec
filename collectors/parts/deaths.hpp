// What:  what a tracing heap must do about deaths beyond taking the memory back: clear the weak
//        references to what has died, and keep watched objects that have died until they are
//        pulled.
// Why:   both need to see every object once between "found dead" and "gone", and both are easy to
//        do in the wrong order: weak references go first, so that nobody gets hold of what a
//        finalizer is about to see.
// How:   a weak reference is a link in a ring of its mutator; watched objects stand in a table of
//        the heap. Each has a young part (what was added since the last collection) and an old one,
//        so that a collection of the young need not look at the rest. A collector calls, in this
//        order, once all that roots reach has been marked or moved: clear_weak for every mutator,
//        then find_dead, which makes the dead ready and has them kept; and ready ones are roots.
// Invariants: a ready object is in no other table. After a collection nothing is young.
// Cost:  a weak reference: four words, six stores to make, aim and destroy. Watching: a lock.
// Thread-safety: a ring belongs to its mutator, or to whoever stopped it; the table is locked.
#pragma once

#include <mutex>

#include "collectors/parts/page_vector.hpp"
#include "collectors/parts/reference.hpp"

namespace churn::collectors {

// What has become of an object in a collection: `ref` is where it is now, or null if it has died.
template <class Fate>
concept DecidesFate = requires(Fate fate, Ref ref) {
  { fate(ref) } -> std::same_as<Ref>;
};

class WeakLink {
 public:
  WeakLink() noexcept = default;
  WeakLink(WeakLink const&) = delete;
  WeakLink& operator=(WeakLink const&) = delete;

 protected:
  ~WeakLink() = default;
  Ref ref_;

 private:
  friend class WeakRing;
  WeakLink* next_ = this;
  WeakLink* previous_ = this;
};

class WeakRing {
 public:
  bool empty() const noexcept { return ring_.next_ == &ring_; }
  void insert(WeakLink& link) noexcept {
    link.next_ = ring_.next_;
    link.previous_ = &ring_;
    ring_.next_->previous_ = &link;
    ring_.next_ = &link;
  }
  static void remove(WeakLink& link) noexcept {
    link.next_->previous_ = link.previous_;
    link.previous_->next_ = link.next_;
    link.next_ = link.previous_ = &link;
  }
  // Those whose object has died name nothing from now on, and leave the ring.
  template <DecidesFate Fate>
  void settle(Fate fate) noexcept {
    for (WeakLink *link = ring_.next_, *next; link != &ring_; link = next) {
      next = link->next_;
      link->ref_ = fate(link->ref_);
      if (!link->ref_) remove(*link);
    }
  }
  void take_all(WeakRing& other) noexcept {
    if (other.empty()) return;
    WeakLink* const first = other.ring_.next_;
    WeakLink* const last = other.ring_.previous_;
    remove(other.ring_);
    first->previous_ = &ring_;
    last->next_ = ring_.next_;
    ring_.next_->previous_ = last;
    ring_.next_ = first;
  }

 private:
  struct FixedPoint : WeakLink {
  } ring_;
};

// Of one mutator.
class WeakReferences {
 public:
  void aim(WeakLink& link) noexcept { young_.insert(link); }

  template <DecidesFate Fate>
  void clear_weak(bool also_old, Fate fate) noexcept {
    young_.settle(fate);
    if (also_old) old_.settle(fate);
    old_.take_all(young_);
  }
  void expect_none() const noexcept {
    bool const detaches_with_weak_references = !young_.empty() || !old_.empty();
    CHURN_CHECK(!detaches_with_weak_references);
  }

 private:
  WeakRing young_, old_;
};

// M::Weak of a mutator with weak_references().
template <class M>
class WeakReference : private WeakLink {
 public:
  explicit WeakReference(M&) noexcept {}
  ~WeakReference() { WeakRing::remove(*this); }

 private:
  friend M;
  Ref get() const noexcept { return ref_; }
  void set(M& mutator, Ref object) noexcept {
    WeakRing::remove(*this);
    ref_ = object;
    if (object) mutator.weak_references().aim(*this);
  }
};

// Of one heap.
class WatchedObjects {
 public:
  void watch(Ref object, std::uint64_t tag) {
    std::lock_guard const lock(mutex_);
    watched_.push({object, tag});
  }
  // Gives a ready object to take(Ref), under the lock, or returns false.
  template <class Take>
  bool next(std::uint64_t& tag, Take take) {
    std::lock_guard const lock(mutex_);
    if (ready_.empty()) return false;
    Entry const entry = ready_.pop();
    tag = entry.tag;
    take(entry.object);
    return true;
  }

  // ---- by a collection; no mutator runs ----

  // visit(Ref&) for each ready object.
  template <class Visit>
  void visit_ready(Visit visit) {
    for (Entry& entry : ready_) visit(entry.object);
  }
  // Watched objects that have died become ready; keep(Ref&) is called for each of them, once the
  // fate of all is known. Returns whether there were any.
  template <DecidesFate Fate, class Keep>
  bool find_dead(bool also_old, Fate fate, Keep keep) {
    std::size_t const ready_before = ready_.size();
    std::size_t kept = also_old ? 0 : old_;
    for (std::size_t i = kept; i < watched_.size(); ++i) {
      Entry entry = watched_[i];
      Ref const now = fate(entry.object);
      if (!now) {
        ready_.push(entry);
        continue;
      }
      entry.object = now;
      watched_[kept++] = entry;
    }
    watched_.resize(kept);
    old_ = kept;
    for (std::size_t i = ready_before; i < ready_.size(); ++i) keep(ready_[i].object);
    return ready_.size() != ready_before;
  }

 private:
  struct Entry {
    Ref object;
    std::uint64_t tag;
  };

  std::mutex mutex_;
  PageVector<Entry> watched_, ready_;
  std::size_t old_ = 0;  // of watched_: those that were there at the last collection
};

}  // namespace churn::collectors
