// What:  weak references and watched deaths for heaps that count: what happens when the count of a
//        noted object reaches zero.
// Why:   a counted object dies in a drop, anywhere; a bit of its count says that someone wants to
//        know, so all other objects pay nothing.
// How:   the first weak reference to an object, or its watching, makes an entry in a side table and
//        sets the bit. The drop that takes the last reference of a noted object comes here: its
//        weak references become null, and if it is watched it is not freed but put on the list of
//        the ready, which holds the one reference to it until somebody pulls it. A heap that finds
//        dead cycles condemns what is noted of them, all before it hands out the watched.
// Notes: a policy on an object's header: note(header) sets the bit; retain_living(header) takes a
//        reference more unless the count has reached zero; revive(header) raises it by one.
// Invariants: an object with an entry is noted. One that is ready has a count of at least one.
//        A count that has reached zero stays there: strengthening never raises it, so of several
//        droppers exactly one comes here.
// Thread-safety: all under one lock, where the count is shared; strengthening competes with the
//        last drop for the count itself, and the entry, which is removed under the lock before
//        memory is freed, keeps the header readable until then.
#pragma once

#include <mutex>
#include <type_traits>

#include "collectors/parts/page_buffer.hpp"
#include "collectors/parts/side_table.hpp"
#include "harness/core/check.hpp"

namespace churn::collectors {

struct NoLock {
  void lock() noexcept {}
  void unlock() noexcept {}
};

template <class Header, class Notes, bool shared>
class CountedDeaths {
  using Mutex = std::conditional_t<shared, std::mutex, NoLock>;

 public:
  // Unlinks itself when it dies; may outlive what it names.
  class Weak {
   public:
    template <class M>
    explicit Weak(M& mutator) noexcept : deaths_(mutator.deaths()) {}
    ~Weak() { deaths_.weaken(*this, nullptr); }
    Weak(Weak const&) = delete;
    Weak& operator=(Weak const&) = delete;

   private:
    friend CountedDeaths;
    CountedDeaths& deaths_;
    Header* named_ = nullptr;
    Weak* next_ = nullptr;
    Weak* previous_ = nullptr;
  };

  // pre: the caller holds a reference to it, or it is null
  void weaken(Weak& weak, Header* header) {
    std::lock_guard const lock(mutex_);
    if (weak.named_ != nullptr) unlink(weak);
    if (header == nullptr) return;
    Entry& entry = entry_of(header);
    weak.named_ = header;
    weak.next_ = entry.weak;
    weak.previous_ = nullptr;
    if (entry.weak != nullptr) entry.weak->previous_ = &weak;
    entry.weak = &weak;
  }
  // A reference of its own, or null; retain_living(header) may stand in for the policy's.
  template <class Retain>
  Header* strengthen(Weak& weak, Retain retain_living) noexcept {
    std::lock_guard const lock(mutex_);
    if (weak.named_ == nullptr || !retain_living(weak.named_)) return nullptr;
    return weak.named_;
  }
  Header* strengthen(Weak& weak) noexcept { return strengthen(weak, Notes::retain_living); }

  // pre: the caller holds a reference to it, and it was never watched
  void watch(Header* header, std::uint64_t tag) {
    std::lock_guard const lock(mutex_);
    Entry& entry = entry_of(header);
    CHURN_ASSERT(!entry.watched);
    entry.watched = true;
    entry.tag = tag;
  }
  // One that has died, with its reference, or null.
  Header* next_dead(std::uint64_t& tag) noexcept {
    std::lock_guard const lock(mutex_);
    if (ready_.empty()) return nullptr;
    Header* const header = ready_.pop();
    Entry& entry = *table_.find(header);
    tag = entry.tag;
    entry.ready = false;
    if (entry.weak == nullptr) table_.erase(header);
    return header;
  }
  bool is_ready(Header const* header) noexcept {
    std::lock_guard const lock(mutex_);
    Entry const* const entry = table_.find(header);
    return entry != nullptr && entry->ready;
  }

  // Whether nobody wants to hear of any death.
  bool empty() const noexcept { return table_.size() == 0; }  // by the only mutator

  // The count of a noted object is zero. True: it is to be freed, and nothing here names it.
  CHURN_NEVER_INLINE bool dies(Header* header) {
    std::lock_guard const lock(mutex_);
    if (!settle(header)) return true;
    ready_.push(header);
    return false;
  }
  // A noted object is dead, whatever its count. False: it is to be freed, as above. True: it is
  // watched and has got the reference of the list of the ready; it is to be kept, with all it
  // reaches, and handed out.
  bool condemn(Header* header) {
    std::lock_guard const lock(mutex_);
    return settle(header);
  }
  void hand_out(Header* condemned) {
    std::lock_guard const lock(mutex_);
    ready_.push(condemned);
  }

 private:
  struct Entry {
    Weak* weak = nullptr;
    std::uint64_t tag = 0;
    bool watched = false, ready = false;
  };

  Entry& entry_of(Header* header) {
    Notes::note(header);
    return table_.at(header);
  }
  // Its weak references become null. True: it was watched.
  bool settle(Header* header) {
    Entry* const entry = table_.find(header);
    if (entry == nullptr) return false;  // what noted it is gone
    while (entry->weak != nullptr) unlink(*entry->weak, *entry);
    if (!entry->watched) {
      if (!entry->ready) table_.erase(header);
      return false;
    }
    entry->watched = false;
    entry->ready = true;
    Notes::revive(header);
    return true;
  }
  void unlink(Weak& weak, Entry& entry) noexcept {
    if (weak.next_ != nullptr) weak.next_->previous_ = weak.previous_;
    (weak.previous_ != nullptr ? weak.previous_->next_ : entry.weak) = weak.next_;
    weak.named_ = nullptr;
  }
  void unlink(Weak& weak) noexcept {
    Header* const header = weak.named_;
    Entry& entry = *table_.find(header);
    unlink(weak, entry);
    if (entry.weak == nullptr && !entry.watched && !entry.ready) table_.erase(header);
  }

  Mutex mutex_;
  SideTable<Header, Entry> table_;
  PageBuffer<Header> ready_;
};

}  // namespace churn::collectors
