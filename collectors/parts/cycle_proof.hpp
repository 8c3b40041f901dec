// What:  the search for dead cycles beside running mutators: candidates, their trial deletion, and
//        the proof that what it found is dead.
// Why:   mutators change slots while the search reads them, so what it finds is a guess. The guess
//        is cheap to make and the proof is what frees.
// How:   the epochs of parts/epoch_heap.hpp. Between two ends of epochs counts only fall, since
//        only the searching thread drops; at an end, with the world stopped, they rise by what was
//        kept.
//        Guess: everything the candidates reach is traced, each with a trial count, a copy of its
//        count, from which references met on the way are taken off; what then has some left, and
//        what that reaches, lives (trial deletion). The rest is a suspicion.
//        Proof (sigma): first each member's count is copied; only then are the members' slots read,
//        and each reference to a member taken off the copy. Members with some left, and what they
//        reach, are dismissed, and it begins again, until nobody has any left.
//        Proof (delta): until the next end of an epoch, that included, no member's count rose; else
//        those are dismissed, and it begins again.
// Why that is right: let e be the last end of an epoch before the first slot was read. Each
//        reference to a member that is made later shows as a rise. So, without rises, references to
//        a member only became fewer, and those that were read were all there at e. At e no member
//        had more references, locals included, than its copy says, since a count is never less
//        than the truth. All copies came to zero: at e members named members, and nothing else did.
//        So none was reachable at e, and none ever will be. Nor is one named by what is still to be
//        dropped: a drop from before e is still in the count, and so in the copy; after e nobody
//        could make one.
// Dismissed: is no candidate. If it is dead nevertheless, then a reference to it was dropped after
//        the search began, and that drop makes a candidate of it when it is counted. The same goes
//        for what was taken for live.
// Invariants: a candidate's mark is its place in the table plus one. Members are marked `member`
//        from before their counts are copied, until they are dismissed or freed; nothing is dropped
//        meanwhile. No reference to a fresh object is held across a poll.
// Cost:  two visits to each traced object; three more to each that is suspected to be dead.
// Source: D. F. Bacon, V. T. Rajan, Concurrent cycle collection in reference counted systems, ECOOP
//        2001, section 4: sigma test, delta test. There each cycle is tested by the sum of its
//        copies; here each member's must be zero, so that dead structures that hang together are
//        freed together, whatever the order, and the members that fail can be told from the rest.
// Thread-safety: by the searching thread, which lets the world be stopped in poll() alone; `rise`
//        by whoever has stopped it. `AtomicRef` is a parameter so that a scheduler can drive it.
#pragma once

#include <atomic>

#include "collectors/parts/epoch_heap.hpp"
#include "collectors/parts/marked_count.hpp"
#include "collectors/parts/page_buffer.hpp"

namespace churn::collectors {

// The count in the upper half of the word, the mark in the lower one.
struct CycleMark {
  using Mark = std::uint32_t;
  static constexpr Mark trial = Mark{1} << 31;   // with a trial count
  static constexpr Mark member = Mark{1} << 30;  // with a copy of the count
  static constexpr Mark none = 0, atom = member - 1, risen = member - 2, live = member - 3;
  static constexpr Mark last_place = Mark{1} << 29;  // beyond lie the names above
  static constexpr Word most_references = member - 1;

  static Mark of(EpochHeader const* header) noexcept { return static_cast<Mark>(header->count); }
  static void set(EpochHeader* header, Mark mark) noexcept {
    header->count = (header->count & ~(MarkedCount::one - 1)) | mark;
  }
  static Mark copy_of_count(EpochHeader const* header) noexcept {
    return static_cast<Mark>(MarkedCount::value(header->count));
  }
  static bool on_trial(EpochHeader const* header) noexcept { return (of(header) & trial) != 0; }
  static bool is_member(EpochHeader const* header) noexcept {
    return (of(header) & (trial | member)) == member;
  }
  static bool is_place(EpochHeader const* header) noexcept {
    return of(header) != none && of(header) <= last_place;
  }
};

template <template <class> class AtomicRef = std::atomic_ref>
class CycleProofOf {
  using Header = EpochHeader;
  using Mark = CycleMark;

 public:
  // ---- candidates ----

  std::size_t candidates() const noexcept { return candidates_.size(); }
  // pre: marked `none`
  void suspect(Header* header) {
    CHURN_CHECK(candidates_.size() < Mark::last_place);
    candidates_.push(header);
    Mark::set(header, static_cast<Mark::Mark>(candidates_.size()));
  }
  // It is dead, or no candidate any more. pre: its mark is a place
  void forget(Header* header) noexcept {
    std::size_t const place = Mark::of(header) - 1;
    Header* const last = candidates_.pop();
    if (last == header) return;
    candidates_[place] = last;
    Mark::set(last, static_cast<Mark::Mark>(place + 1));
  }

  // ---- guess ----

  // Takes candidates until they reach `enough` objects, or none is left; what looks dead of all
  // these becomes the members. Returns how many were found to live. pre: no members
  template <class Poll>
  std::size_t guess(std::size_t enough, Poll poll) {
    trace(enough, poll);
    restore_live(poll);
    for (Header* const header : traced_) {
      poll();
      if (!Mark::on_trial(header)) {
        Mark::set(header, Mark::none);
      } else {
        members_.push(header);
        Mark::set(header, Mark::member | Mark::copy_of_count(header));
      }
    }
    std::size_t const in_vain = live_.size();
    traced_.clear();
    live_.clear();
    return in_vain;
  }

  // ---- proof ----

  bool has_members() const noexcept { return !members_.empty(); }
  PageBuffer<Header>& members() noexcept { return members_; }

  // Afterwards nobody but members seems to name a member. The next end of an epoch decides.
  template <class Poll>
  void prove(Poll poll) {
    do {
      for (Header* const header : members_) {
        poll();
        if (Mark::is_member(header)) {
          Mark::set(header, Mark::member | Mark::copy_of_count(header));
        }
      }
      for (Header* const header : members_) {
        for_each_child(header, poll, [](Header* child) {
          bool const has_some = Mark::is_member(child) && Mark::of(child) != Mark::member;
          if (has_some) --child->count;  // the mark is the lower half
        });
      }
    } while (dismiss(poll));
  }
  // Since prove() an epoch has ended. True if the members are dead; else some were dismissed, and
  // the others must be proved anew.
  template <class Poll>
  bool is_proved(Poll poll) {
    return !dismiss(poll);
  }
  // Gives up: they are candidates again.
  void give_up() {
    for (Header* const header : members_) {
      Mark::set(header, Mark::none);
      suspect(header);
    }
    members_.clear();
  }

  // Its count has risen.
  CHURN_ALWAYS_INLINE static void rise(Header* header) noexcept {
    if (Mark::is_member(header)) Mark::set(header, Mark::risen);
  }

 private:
  static constexpr std::uint32_t slots_between_polls = 512;

  // visit(child) for what the header's slots name, fresh objects and those without slots aside.
  template <class Poll, class Visit>
  static void for_each_child(Header* header, Poll poll, Visit visit) {
    auto* const slots = reinterpret_cast<Word*>(header + 1);
    std::uint32_t const count = header->slot_count();
    for (std::uint32_t i = 0; i < count; ++i) {
      if (i % slots_between_polls == 0) poll();
      // Acquire pairs with the release of the mutator's store: a new object's header is there.
      Word const named = AtomicRef<Word>(slots[i]).load(std::memory_order_acquire);
      if (named == 0) continue;
      Header* const child = reinterpret_cast<Header*>(named) - 1;
      if (!child->is(Header::fresh) && Mark::of(child) != Mark::atom) visit(child);
    }
  }

  template <class Poll>
  void trace(std::size_t enough, Poll poll) {
    std::size_t next = 0;
    while (!candidates_.empty() && traced_.size() < enough) {
      put_on_trial(candidates_.pop());
      for (; next < traced_.size(); ++next) {
        for_each_child(traced_[next], poll, [this](Header* child) {
          if (!Mark::on_trial(child)) {
            if (Mark::is_place(child)) forget(child);
            put_on_trial(child);
          }
          // Not below zero: a reference that was made since the count was taken.
          if (Mark::of(child) != Mark::trial) --child->count;  // the mark is the lower half
        });
      }
    }
  }
  void put_on_trial(Header* header) {
    Mark::set(header, Mark::trial | Mark::copy_of_count(header));
    traced_.push(header);
  }

  // What is held from outside of what was traced, and what that reaches.
  template <class Poll>
  void restore_live(Poll poll) {
    for (Header* const header : traced_) {
      poll();
      if (Mark::of(header) != Mark::trial) save(header);
    }
    for (std::size_t next = 0; next < live_.size(); ++next) {
      for_each_child(live_[next], poll, [this](Header* child) {
        if (Mark::on_trial(child)) save(child);
      });
    }
  }
  void save(Header* header) {
    if (!Mark::on_trial(header)) return;
    Mark::set(header, Mark::live);
    live_.push(header);
  }

  // Members whose count has risen, or that others name, and what they reach. True if there were
  // any.
  template <class Poll>
  bool dismiss(Poll poll) {
    for (Header* const header : members_) {
      poll();
      if (Mark::of(header) != Mark::member) dismiss_one(header);
    }
    if (live_.empty()) return false;
    for (std::size_t next = 0; next < live_.size(); ++next) {
      for_each_child(live_[next], poll, [this](Header* child) {
        if (Mark::is_member(child) || Mark::of(child) == Mark::risen) dismiss_one(child);
      });
    }
    std::size_t left = 0;
    for (Header* const header : members_) {
      if (Mark::of(header) != Mark::live) members_[left++] = header;
    }
    members_.set_end(members_.begin() + left);
    for (Header* const header : live_) Mark::set(header, Mark::none);
    live_.clear();
    return true;
  }
  void dismiss_one(Header* header) {
    if (Mark::of(header) == Mark::live) return;
    Mark::set(header, Mark::live);
    live_.push(header);
  }

  PageBuffer<Header> candidates_;
  PageBuffer<Header> traced_, live_;  // of the guess; live_ also of a dismissal
  PageBuffer<Header> members_;        // dead, it seems
};
using CycleProof = CycleProofOf<>;

}  // namespace churn::collectors
