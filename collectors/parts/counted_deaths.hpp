// What:  weak references and watched deaths for heaps that count: what happens when the count of a
//        noted object reaches zero.
// Why:   a counted object dies in a drop, anywhere; a bit of its count says that someone wants to
//        know, so all other objects pay nothing.
// How:   the first weak reference to an object, or its watching, makes an entry in a side table and
//        sets the bit. The drop that takes the last reference of a noted object comes here: its
//        weak references become null, and if it is watched it is not freed but put on the list of
//        the ready, which holds the one reference to it until somebody pulls it.
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
#include "collectors/parts/reference.hpp"
#include "collectors/parts/side_table.hpp"
#include "harness/core/check.hpp"

namespace churn::collectors {

struct NoLock {
  void lock() noexcept {}
  void unlock() noexcept {}
};

template <class Header, class Count, bool shared>
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
  // A reference of its own, or null.
  Header* strengthen(Weak& weak) noexcept {
    std::lock_guard const lock(mutex_);
    if (weak.named_ == nullptr || !Count::retain_living(weak.named_->count)) return nullptr;
    return weak.named_;
  }

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

  // The count of a noted object is zero. True: it is to be freed, and nothing here names it.
  bool dies(Header* header) {
    std::lock_guard const lock(mutex_);
    Entry* const entry = table_.find(header);
    if (entry == nullptr) return true;  // what noted it is gone
    while (entry->weak != nullptr) unlink(*entry->weak, *entry);
    if (!entry->watched) {
      table_.erase(header);
      return true;
    }
    entry->watched = false;
    entry->ready = true;
    Count::revive(header->count);
    ready_.push(header);
    return false;
  }

 private:
  struct Entry {
    Weak* weak = nullptr;
    std::uint64_t tag = 0;
    bool watched = false, ready = false;
  };

  Entry& entry_of(Header* header) {
    Count::note(header->count);
    return table_.at(header);
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
