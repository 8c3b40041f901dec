// What:  a counting heap that finds dead cycles by trial deletion, with an age after which an
//        object is looked at by full passes alone; the base of trial-deletion and of
//        generational-incremental.
// Why:   suspects that reach a large live structure must not cost that structure each time: what
//        two passes have found alive is old, and a bounded pass takes what is old as held from
//        outside.
// How:   an object that loses a reference and keeps others may be the last entry to a dead cycle:
//        it becomes a suspect. A pass takes suspects in batches, and each suspect's closure, what
//        it reaches and no other has, is weighed as a whole: the counts of its objects, and the
//        references within it. If these sums are equal, nobody outside holds any of it, and all is
//        garbage, after one look at each object. If not, it is unsettled until the batch's garbage
//        is gone: then each of its objects gets a trial count, a copy of its count, from which the
//        references within the unsettled are taken off. Objects with references left are held from
//        outside: they, and what they reach, are live; the rest is garbage. The counts themselves
//        are not touched before that is known.
// Bounded passes look at early suspects: young objects that have lost a reference. They stop at old
//        objects, and after `most` objects; what has been met and not been looked into counts as
//        held from outside. Late suspects wait for a full pass: old objects, and what was moved.
// Watched, named weakly: a dead closure with such an object in it is settled like one in which
//        something lives. Of what is then dead, weak references become null; the watched, and what
//        they reach, live on, each watched one with a reference that waits to be pulled.
// Moves: moving a reference from a local into a slot changes no count, and can still cut off a
//        cycle: its last entry becomes one of its own edges. So what is moved becomes a suspect,
//        unless no slot has ever named the object that it is moved into (then a local does), or its
//        own slots are all null (then it leads nowhere). Building lists and trees from fresh nodes
//        stays free of that. What is moved usually lives, so it is a late suspect, until it loses a
//        reference.
// Invariants: every unreachable object can be reached from a suspect. A pass that ends at old
//        objects keeps that: those that live objects of the batch lead to become suspects, as do
//        those that garbage of the batch named, and those that were not looked into. An object that
//        dies by its count leaves its queue at once.
// Trigger: a bounded pass is due after `candidates` suspects, or when a derived heap asks for it at
//        a poll; but not before as many objects have been allocated or suspected as the last pass
//        has traced in vain.
// Hooks: after_drop(account) is called when a mutator has made a suspect or has freed something; a
//        derived heap may hide it, and reclaim, note_loss(header), note_move(header) and
//        bury(account, header).
// Cost:  16 bytes an object; a decrement that is not the last is one more test. A pass costs two
//        visits to each object of a dead closure, five where something lives. An object is looked
//        into as a whole: the bound is a number of objects, not of slots.
// Source: D. F. Bacon and V. T. Rajan, Concurrent cycle collection in reference counted systems,
//        ECOOP 2001, section 3. There the counts are subtracted and restored in place, recursively;
//        here sums, a trial count and a table of what was traced take the place of both. Ages and
//        boundary after H. Lieberman and C. Hewitt, CACM 26(6), 1983.
#pragma once

#include <algorithm>
#include <array>

#include "collectors/parts/counting_heap.hpp"
#include "collectors/parts/noted_heap.hpp"
#include "collectors/parts/page_buffer.hpp"
#include "collectors/parts/suspect_header.hpp"
#include "collectors/parts/suspect_queue.hpp"

namespace churn::collectors {

// Of all that delete on trial.
inline constexpr Traits trial_traits{.generational = true,
                                     .counts = true,
                                     .shared_slots = false,
                                     .cells_from_malloc = true,
                                     .weak = true,
                                     .finalizers = true,
                                     .max_mutators = 1};
inline constexpr std::array trial_parameters{
    ParameterInfo{"candidates", 64, 1, 1'000'000, "suspects that start a bounded pass"},
    ParameterInfo{"batch", 2048, 1, 1'000'000'000, "objects traced before garbage is freed"},
    ParameterInfo{"bound", 16'384, 1, 1'000'000'000, "objects that a bounded pass looks into"},
};

template <class Self>
using NotedTrialHeap = NotedHeap<CountingHeap<Self, SuspectHeader, MarkedCount, PlainCounter>,
                                 SuspectHeader, SuspectNotes, false>;

template <class Self>
class TrialHeap : public NotedTrialHeap<Self> {
  using Base = NotedTrialHeap<Self>;

 public:
  using Header = SuspectHeader;
  using typename Base::Account;

  explicit TrialHeap(HeapOptions const& options, std::uint64_t poll_bytes)
      : Base(options, poll_bytes),
        least_candidates_(setting(options, trial_parameters[0])),
        batch_objects_(setting(options, trial_parameters[1])),
        bound_(setting(options, trial_parameters[2])) {}

  CHURN_ALWAYS_INLINE void drop(Account& account, Ref object) {
    Header* const header = Base::header_of(object);
    if (MarkedCount::drop(header->count)) {
      die(account, header);
    } else if (!header->is_quiet()) {
      lose_and_look(account, header);
    }
  }
  CHURN_ALWAYS_INLINE void stored(Ref object) noexcept { Base::header_of(object)->set_stored(); }
  CHURN_ALWAYS_INLINE void moved_into(Ref object, Ref moved) noexcept {
    Header* const header = Base::header_of(moved);
    header->set_stored();  // first: it may have been moved into itself
    if (Base::header_of(object)->was_stored() && !header->is_quiet()) suspect_move(header);
  }

 protected:
  // ---- suspects ----

  void suspect(Header* header) {
    if (header->is_old()) {
      late_.push(header);
    } else {
      early_.push(header);
    }
  }
  // pre: its count was lowered and is not zero, and it is not quiet.
  void note_loss(Header* header) {
    if (header->is_queued()) {
      if (header->is_old()) return;
      late_.leave(header);  // had been moved
      header->set_mark(Header::none);
    }
    suspect(header);
  }
  // pre: it has been moved into a slot, and is not quiet.
  void note_move(Header* header) {
    if (!header->is_queued()) late_.push(header);
  }

  // Hooks of the base. In a cascade suspects are only noted: it must end before a pass looks.
  bool lose(Header* header) {
    if (MarkedCount::drop(header->count)) return lets_go(header);
    if (!header->is_quiet()) self().note_loss(header);
    return false;
  }
  // Its count has reached zero. False: it is watched, and lives for now.
  CHURN_ALWAYS_INLINE bool lets_go(Header* header) {
    if (header->is_noted()) [[unlikely]] {
      return self().noted_lets_go(header);
    }
    return true;
  }
  bool noted_lets_go(Header* header) { return Base::lets_go(header); }
  void bury(Account&, Header* header) noexcept { leave_queue(header); }
  void leave_queue(Header* header) noexcept {
    std::uint32_t const mark = header->mark();
    if ((mark & Header::queued_bit) == 0) return;
    if ((mark & Header::quiet_bit) != 0) {
      early_.leave(header);
    } else {
      late_.leave(header);
    }
  }

  // ---- passes; each returns how many traced objects live ----

  // Suspects from before the line, until `most` objects have been traced. Then the line is drawn.
  std::size_t bounded_pass(Account& account, std::size_t most) {
    std::size_t in_vain = 0;
    while (most > 0 && !early_.empty()) {
      most -= batch<false>(account, std::min(batch_objects_, most), most);
      in_vain += live_.size();
    }
    return in_vain;
  }
  // All suspects, and whatever they reach. If it has met live objects, a batch does not end before
  // twice as many, or suspects that all reach the same large structure would trace it once each.
  std::size_t full_pass(Account& account) {
    std::size_t in_vain = 0;
    while (!early_.empty() || !late_.empty()) {
      batch<true>(account, std::max(batch_objects_, 2 * in_vain), unbounded);
      in_vain += live_.size();
    }
    return in_vain;
  }

  // ---- when a bounded pass is due ----

  static std::size_t setting(HeapOptions const& options, ParameterInfo const& info) noexcept {
    return static_cast<std::size_t>(options.setting(info.name, info.standard));
  }
  static std::uint64_t present_bytes(Account const& account) noexcept {
    return account.charged.get() - account.returned.get();
  }
  std::size_t bound() const noexcept { return bound_; }

  std::uint64_t collect_young(Account& account) {
    std::uint64_t const start_ns = Base::begin_collection(0);
    std::uint64_t const before = account.reclaimed_objects.get();
    std::size_t const in_vain = bounded_pass(account, bound_);
    passed_everything(account);
    in_vain_ = in_vain;
    left_over_ = early_.size();
    return Base::book(0, account.reclaimed_objects.get() - before, start_ns);
  }
  void passed_everything(Account const& account) noexcept {
    in_vain_ = left_over_ = 0;
    allocated_before_ = account.allocated_objects.get();
    charged_before_ = account.charged.get();
  }
  void collect_young_if_due(Account& account, std::uint64_t after_bytes) {
    if (!early_.empty() && account.charged.get() - charged_before_ >= after_bytes &&
        worth_a_pass(account)) {
      collect_young(account);
    }
  }
  // Hook of the base; heaps that collect otherwise may hide it.
  void after_drop(Account& account) {
    if (new_suspects() >= least_candidates_ && worth_a_pass(account)) collect_young(account);
  }

  // Young objects that have lost a reference; the others: old ones that have, and moved ones.
  SuspectQueue<Header, Header::early_tag, Header::position_bits> early_;
  SuspectQueue<Header, Header::late_tag, Header::position_bits> late_;

 private:
  static constexpr std::size_t unbounded = ~std::size_t{0};

  Self& self() noexcept { return static_cast<Self&>(*this); }

  // pre: its count is zero
  CHURN_NEVER_INLINE void die(Account& account, Header* header) {
    if (lets_go(header)) self().reclaim(account, header);
  }
  CHURN_NEVER_INLINE void lose_and_look(Account& account, Header* header) {
    self().note_loss(header);
    self().after_drop(account);
  }
  // Only notes it: a move is no place at which to reclaim.
  CHURN_NEVER_INLINE void suspect_move(Header* header) {
    Word const* slot = Base::slots_of(header);
    Word const* const end = slot + header->slot_count();
    while (slot != end && *slot == 0) ++slot;
    if (slot != end) self().note_move(header);
  }

  template <bool full>
  bool any_suspect() noexcept {
    if constexpr (full) return !early_.empty() || !late_.empty();
    return !early_.empty();
  }
  template <bool full>
  Header* next_suspect() noexcept {
    if (full && early_.empty()) return late_.pop();
    return early_.pop();
  }

  // ---- a batch: suspects until they reach `enough` objects, or none is left ----

  // Each suspect's closure, as far as no earlier one has reached it, is weighed as a whole: if the
  // counts of its objects add up to the references within it, then there are no others, and all of
  // it is garbage. Else it is unsettled. What is garbage is freed first, so that nothing but what
  // lives holds the unsettled. Looks into `most` objects; returns into how many it has.
  template <bool full>
  CHURN_NEVER_INLINE std::size_t batch(Account& account, std::size_t enough, std::size_t most) {
    garbage_.clear();
    unsettled_.clear();
    live_.clear();
    outward_.clear();
    std::size_t expanded = 0;
    std::size_t cut = 0;  // unsettled ones at the end that were not looked into
    while (expanded < enough && any_suspect<full>()) {
      std::size_t const first = garbage_.size(), first_outward = outward_.size();
      std::size_t const end = trace<full>(next_suspect<full>(), most - expanded);
      expanded += end - first;
      cut = garbage_.size() - end;
      if (cut == 0 && balance_ == 0) continue;
      leave_unsettled(first);
      outward_.set_end(outward_.begin() + first_outward);
    }
    if (any_noted(garbage_)) [[unlikely]] {
      unsettle_garbage();
    } else {
      for (Header* const target : outward_) drop_survivor<full>(account, target);
      free_all(account, garbage_);
    }
    if (!unsettled_.empty()) settle<full>(account, cut);
    for (Header* const dead : dying_) self().template reclaim<true>(account, dead);
    dying_.clear();
    return expanded;
  }

  // Adds to garbage_ what the suspect reaches; balance_ is how many more references there are to
  // it than within it. Returns the place of the first that was not looked into.
  template <bool full>
  CHURN_ALWAYS_INLINE std::size_t trace(Header* suspect, std::size_t most) {
    std::size_t next = garbage_.size();
    std::size_t const last = most < unbounded - next ? next + most : unbounded;
    Header** end = garbage_.room_for(1);
    Header** limit = garbage_.limit();
    *end++ = suspect;
    Word balance = suspect->start_trial();
    for (Header** at = end - 1; at != end && next < last; ++at, ++next) {
      Word const* slot = Base::slots_of(*at);
      Word const* const end_of_slots = slot + (*at)->slot_count();
      if (limit - end < end_of_slots - slot) [[unlikely]] {
        garbage_.set_end(end);
        end = garbage_.room_for(static_cast<std::size_t>(end_of_slots - slot));
        limit = garbage_.limit();
        at = garbage_.begin() + next;
      }
      for (; slot != end_of_slots; ++slot) {
        if (*slot == 0) continue;
        Header* const child = Base::header_of(*slot);
        --balance;
        if (child->mark() != Header::none) {
          if (child->is_traced()) continue;
          if (is_outside<full>(child)) {
            ++balance;
            outward_.push(child);
            continue;
          }
          leave_queue(child);
        }
        balance += child->start_trial();
        *end++ = child;
      }
    }
    garbage_.set_end(end);
    balance_ = balance;
    return next;
  }
  // pre: its mark is not 0, and it is not of this closure.
  template <bool full>
  static bool is_outside(Header const* header) noexcept {
    return header->is_unsettled() || header->mark() == Header::atom || (!full && header->is_old());
  }
  void leave_unsettled(std::size_t first) {
    Header** end = unsettled_.room_for(garbage_.size() - first);
    for (std::size_t i = first; i < garbage_.size(); ++i) {
      *end++ = garbage_[i];
      garbage_[i]->set_unsettled();
    }
    unsettled_.set_end(end);
    garbage_.set_end(garbage_.begin() + first);
  }

  // Nobody hears of most deaths.
  bool any_noted(PageBuffer<Header>& headers) noexcept {
    if (Base::deaths_.empty()) return false;
    return std::any_of(headers.begin(), headers.end(),
                       [](Header const* header) { return header->is_noted(); });
  }
  // Some of the garbage may have to be kept: then each object of it needs a trial of its own. It
  // comes before the others, of which the last may not have been looked into.
  void unsettle_garbage() {
    for (Header* const header : garbage_) header->set_unsettled();
    for (Header* const header : unsettled_) garbage_.push(header);
    garbage_.swap(unsettled_);
  }

  // The references from garbage to what is not. A live object of the batch keeps another one, so
  // only atoms and old objects can die of it; one that is unsettled is on trial, and waits.
  template <bool full>
  void drop_survivor(Account& account, Header* target) {
    if (target->is_unsettled()) {
      target->count -= MarkedCount::one + 1;  // off the trial count, too
    } else if (MarkedCount::drop(target->count)) {
      if (!lets_go(target)) return;
      if (target->mark() == Header::atom) {
        Base::free_cell(account, target);
      } else {
        dying_.push(target);
      }
    } else if (!full && target->is_old()) {
      self().note_loss(target);
    }
  }
  template <bool full>
  void drop_survivors(Account& account, Header* garbage) {
    Word const* const slots = Base::slots_of(garbage);
    for (std::uint32_t i = 0, count = garbage->slot_count(); i < count; ++i) {
      if (slots[i] == 0) continue;
      Header* const target = Base::header_of(slots[i]);
      if (!target->is_traced()) drop_survivor<full>(account, target);
    }
  }

  // Parts the unsettled, and frees the garbage among them. The last `cut` of them count as held.
  template <bool full>
  CHURN_NEVER_INLINE void settle(Account& account, std::size_t cut) {
    std::size_t const expanded = unsettled_.size() - cut;
    for (std::size_t i = 0; i < expanded; ++i) take_off_children(unsettled_[i]);
    for (std::size_t i = 0; i < unsettled_.size(); ++i) {
      if (i < expanded && !unsettled_[i]->is_held()) continue;
      revive<full>(unsettled_[i]);
    }
    for (std::size_t next = 0; next < live_.size(); ++next) revive_children<full>(live_[next]);
    if (live_.size() != unsettled_.size()) {
      if (any_noted(unsettled_)) keep_watched<full>();
      free_the_rest<full>(account);
    }
    if constexpr (!full) {
      for (Header* const header : live_) header->survive();
    }
    for (std::size_t i = expanded; i < unsettled_.size(); ++i) {
      suspect(unsettled_[i]);  // alive, so still there
    }
  }
  // Of the unsettled that have died. No weak reference names any of these any more when the watched
  // of them, and what they reach, are made alive.
  template <bool full>
  CHURN_NEVER_INLINE void keep_watched() {
    garbage_.clear();
    for (Header* const header : unsettled_) {
      if (!header->is_unsettled() || !header->is_noted()) continue;
      if (Base::deaths_.condemn(header)) garbage_.push(header);
    }
    std::size_t next = live_.size();
    for (Header* const header : garbage_) {
      Base::deaths_.hand_out(header);
      revive<full>(header);
    }
    for (; next < live_.size(); ++next) revive_children<full>(live_[next]);
  }
  static void take_off_children(Header* header) noexcept {
    Word const* const slots = Base::slots_of(header);
    for (std::uint32_t i = 0, count = header->slot_count(); i < count; ++i) {
      if (slots[i] == 0) continue;
      Header* const child = Base::header_of(slots[i]);
      if (child->is_unsettled()) --child->count;  // the mark is the lower half
    }
  }
  template <bool full>
  void revive(Header* header) {
    if constexpr (full) {
      header->survive();
    } else {
      header->set_mark(Header::none);  // its age comes last: nothing of the batch counts as old
    }
    live_.push(header);
  }
  template <bool full>
  void revive_children(Header* header) {
    Word const* const slots = Base::slots_of(header);
    for (std::uint32_t i = 0, count = header->slot_count(); i < count; ++i) {
      if (slots[i] == 0) continue;
      Header* const child = Base::header_of(slots[i]);
      if (child->is_unsettled()) {
        revive<full>(child);
      } else if (!full && child->is_old()) {
        self().note_loss(child);
      }
    }
  }
  template <bool full>
  void free_the_rest(Account& account) {
    garbage_.clear();
    for (Header* const header : unsettled_) {
      if (!header->is_unsettled()) continue;
      header->set_mark(Header::trial_bit);
      garbage_.push(header);
    }
    for (Header* const header : garbage_) drop_survivors<full>(account, header);
    free_all(account, garbage_);
  }

  void free_all(Account& account, PageBuffer<Header>& garbage) {
    std::uint64_t bytes = Base::header_bytes * garbage.size();
    for (Header* const header : garbage) {
      bytes += requested_bytes(header->shape());
      Base::objects_.remove(header);
      Base::poison(header);
      std::free(header);
    }
    account.returned.add(bytes);
    account.reclaimed_objects.add(garbage.size());
  }

  std::size_t new_suspects() const noexcept {
    return early_.size() - std::min<std::size_t>(early_.size(), left_over_);
  }
  bool worth_a_pass(Account const& account) const noexcept {
    std::uint64_t const fresh = account.allocated_objects.get() - allocated_before_;
    return fresh + new_suspects() >= in_vain_;
  }

  std::size_t const least_candidates_, batch_objects_, bound_;
  // Of the last pass.
  std::size_t in_vain_ = 0, left_over_ = 0;
  std::uint64_t allocated_before_ = 0, charged_before_ = 0;
  // Of the batch: the closures that were garbage as a whole, the others, and what of these lives.
  PageBuffer<Header> garbage_, unsettled_, live_;
  PageBuffer<Header> outward_;  // what references from this garbage name that is not looked into
  PageBuffer<Header> dying_;    // old objects whose last reference was garbage's
  Word balance_ = 0;            // of the closure
};

}  // namespace churn::collectors
