// What:  who wants to know of an object's death: weak references, weak objects, and the watch that
//        asks for its finalizer. For heaps that finalize in place.
// Why:   one object in thousands has any of these; a bit in its header says so, and the rest pay
//        nothing. In place, the order matters: which weak object is told first, and what a
//        finalizer may still undo.
// How:   a side table from the noted object to its entry. A weak object is an object of the heap
//        that has no slots; its cell, in its payload, is a link of the list of its referent's
//        entry. The newest comes first, as in CPython.
// Invariants: an object with an entry is noted. A cell with a referent is in that one's list; one
//        without is in none.
// When not: several mutators; deaths that are only pulled (parts/counted_deaths.hpp).
// Cost:  a bit where an object dies; a look into the table where it is set. 48 bytes an entry, 32 a
//        cell.
// Thread-safety: none.
#pragma once

#include <utility>

#include "collectors/parts/page_buffer.hpp"
#include "collectors/parts/reference.hpp"
#include "collectors/parts/side_table.hpp"
#include "harness/core/check.hpp"

namespace churn::collectors {

// Header has `noted`, `is_weak` and, if it is a weak object, a payload with a cell behind it.
template <class Header>
class DeathNotes {
 public:
  // Unlinks itself when it is destroyed; may outlive what it names.
  class Weak {
   public:
    template <class M>
    explicit Weak(M& mutator) noexcept : notes_(mutator.deaths()) {}
    ~Weak() { notes_.weaken(*this, nullptr); }
    Weak(Weak const&) = delete;
    Weak& operator=(Weak const&) = delete;

   private:
    friend DeathNotes;
    DeathNotes& notes_;
    Header* named_ = nullptr;
    Weak* next_ = nullptr;
    Weak* previous_ = nullptr;
  };

  struct Cell {
    Header* referent;
    Header* next;  // weak object; of one that was told to wait, the next that waits
    Header* previous;
    std::uint64_t tag;
  };
  static constexpr Shape cell_shape{0, sizeof(Cell)};
  // pre: a weak object
  static Cell& cell_of(Header* weak) noexcept { return *reinterpret_cast<Cell*>(weak + 1); }

  // Nobody wants to know of any death.
  bool empty() const noexcept { return table_.size() == 0; }

  // pre: `header` lives, or is null
  void weaken(Weak& weak, Header* header) {
    if (weak.named_ != nullptr) {
      Header* const former = weak.named_;
      unlink(weak, *table_.find(former));
      forget_if_idle(former);
    }
    if (header == nullptr) return;
    Entry& entry = entry_of(header);
    weak.named_ = header;
    weak.next_ = entry.handles;
    weak.previous_ = nullptr;
    if (entry.handles != nullptr) entry.handles->previous_ = &weak;
    entry.handles = &weak;
  }
  Header* named(Weak const& weak) const noexcept { return weak.named_; }
  // The weak references to it become null.
  void clear_references(Header* header) noexcept {
    Entry* const entry = table_.find(header);
    if (entry == nullptr) return;
    while (entry->handles != nullptr) unlink(*entry->handles, *entry);
    forget_if_idle(header);
  }

  // pre: `weak` is new, `referent` lives
  void attach(Header* weak, Header* referent, std::uint64_t tag) {
    Entry& entry = entry_of(referent);
    cell_of(weak) = {referent, entry.newest, nullptr, tag};
    if (entry.newest != nullptr) cell_of(entry.newest).previous = weak;
    entry.newest = weak;
  }
  // A weak object loses its referent, if it has one.
  void detach(Header* weak) noexcept {
    Cell& cell = cell_of(weak);
    if (cell.referent == nullptr) return;
    Header* const referent = cell.referent;
    Entry& entry = *table_.find(referent);
    if (cell.next != nullptr) cell_of(cell.next).previous = cell.previous;
    (cell.previous != nullptr ? cell_of(cell.previous).next : entry.newest) = cell.next;
    cell = {nullptr, nullptr, nullptr, cell.tag};
    forget_if_idle(referent);
  }
  // The newest weak object that refers to it, which is detached; null if there is none.
  Header* take_newest(Header* referent) noexcept {
    Entry* const entry = table_.find(referent);
    if (entry == nullptr || entry->newest == nullptr) return nullptr;
    Header* const weak = entry->newest;
    detach(weak);
    return weak;
  }

  // pre: it was never watched
  void watch(Header* header, std::uint64_t tag) {
    Entry& entry = entry_of(header);
    CHURN_ASSERT(!entry.watched && !entry.ready);
    entry.watched = true;
    entry.tag = tag;
  }
  // Whether it is watched, which it then no longer is.
  bool take_watch(Header* header, std::uint64_t& tag) noexcept {
    Entry* const entry = table_.find(header);
    if (entry == nullptr || !entry->watched) return false;
    entry->watched = false;
    tag = entry->tag;
    forget_if_idle(header);
    return true;
  }

  // The list of those that wait to be pulled holds a reference, which the caller has taken.
  void make_ready(Header* header, std::uint64_t tag) {
    Entry& entry = entry_of(header);
    entry.ready = true;
    entry.tag = tag;
    ready_.push(header);
  }
  // One of them, with that reference, or null.
  Header* next_ready(std::uint64_t& tag) noexcept {
    if (ready_.empty()) return nullptr;
    Header* const header = ready_.pop();
    Entry& entry = *table_.find(header);
    tag = entry.tag;
    entry.ready = false;
    forget_if_idle(header);
    return header;
  }
  // Every list holds what says so of itself.
  void verify() noexcept {
    table_.for_each([](Header const* header, Entry const& entry) {
      bool const an_object_with_an_entry_is_noted = header->noted;
      CHURN_CHECK(an_object_with_an_entry_is_noted);
      for (Header* weak = entry.newest; weak != nullptr; weak = cell_of(weak).next) {
        bool const a_weak_object_knows_its_referent =
            weak->is_weak && cell_of(weak).referent == header;
        CHURN_CHECK(a_weak_object_knows_its_referent);
      }
      for (Weak const* weak = entry.handles; weak != nullptr; weak = weak->next_) {
        bool const a_weak_reference_knows_what_it_names = weak->named_ == header;
        CHURN_CHECK(a_weak_reference_knows_what_it_names);
      }
    });
  }

  bool is_ready(Header const* header) noexcept {
    Entry const* const entry = table_.find(header);
    return entry != nullptr && entry->ready;
  }

 private:
  struct Entry {
    Weak* handles = nullptr;
    Header* newest = nullptr;
    std::uint64_t tag = 0;
    bool watched = false, ready = false;
  };

  Entry& entry_of(Header* header) {
    header->noted = true;
    return table_.at(header);
  }
  void forget_if_idle(Header* header) noexcept {
    Entry const& entry = *table_.find(header);
    if (entry.handles != nullptr || entry.newest != nullptr || entry.watched || entry.ready) return;
    table_.erase(header);
    header->noted = false;
  }
  static void unlink(Weak& weak, Entry& entry) noexcept {
    if (weak.next_ != nullptr) weak.next_->previous_ = weak.previous_;
    (weak.previous_ != nullptr ? weak.previous_->next_ : entry.handles) = weak.next_;
    weak.named_ = nullptr;
  }

  SideTable<Header, Entry> table_;
  PageBuffer<Header> ready_;
};

}  // namespace churn::collectors
