// What:  trial deletion of the whole heap in steps, while the mutator runs between them; the base
//        of generational-incremental.
// Why:   a full pass stops the program for all that the suspects reach. In steps, no stop is longer
//        than its budget.
// How:   a cycle takes the suspects there are, and calls what they reach its members. Five walks
//        over the members follow one another, each in steps:
//          gather   each member gets a trial count, a copy of its count, when it is found;
//          subtract each reference in a member's slot is taken off its target's trial count;
//          scan     members with something left, and what they reach, are live;
//          unlink   what is not live is garbage: its slots are dropped;
//          release  garbage is freed; what lives is an ordinary object again, one survival older.
//        Until a member is released, a bit in its count's word makes each new reference to it (a
//        retain, and a move into or out of a slot) report it, and it counts as held.
// Why that is safe: let y be a member that is neither held nor reached when the scan ends, and
//        let something that lives name it. If that is a local, or a slot of no member, then the
//        reference was there when y was gathered, since it was never reported: it is in y's trial
//        count, and no member's slot took it off; so y was held. If it is a slot of a live member,
//        then it was there when the scan went over that member, or was reported afterwards.
// Why that is complete: what is garbage when a cycle begins is reached from its suspects, as every
//        unreachable object is from some suspect; nobody changes a count or a slot of it; all its
//        references come from members that are garbage too. So all are taken off, and all of it is
//        freed. What becomes garbage while a cycle runs has lost its last reference after the
//        beginning, and is a suspect of the next: a suspect that loses a reference before it has
//        been gathered moves behind the line that was drawn, a member is noted as such.
// Weak references, watched deaths: of garbage, noted members are looked at between scan and unlink:
//          condemn  no weak reference names them any more, and the watched get a reference;
//          keep     the watched, and what they reach, are live after all.
//        Meanwhile a weak reference to garbage gives null, and nobody can pull one of the watched:
//        so what has been decided stays as it is until it has been carried out.
// Deaths by count are bounded too: at most `cascade_bound` objects are freed at once, the others
//        wait in a list through their counts. A member that dies stays until its release.
// Invariants: a dead member has null slots. While a cycle runs, members are old, and no other pass
//        looks into them. Garbage that has been unlinked names nothing.
// Cost:  a test for each retain; five visits to each member that dies, six to one that lives;
//        up to three more to one that is noted.
// Source: D. F. Bacon and V. T. Rajan, ECOOP 2001, section 4, whose sigma and delta tests do this
//        for one component at a time, beside running mutators; the line and the reports are ours.
#pragma once

#include "collectors/parts/chunk_list.hpp"
#include "collectors/parts/trial_heap.hpp"

namespace churn::collectors {

template <class Self>
class IncrementalTrialHeap : public TrialHeap<Self> {
  using Base = TrialHeap<Self>;

 public:
  using Base::Base;
  using typename Base::Account;
  using typename Base::Header;
  static constexpr std::uint64_t cascade_bound = 8192;

  CHURN_ALWAYS_INLINE void retain(Ref object) noexcept {
    Header* const header = Base::header_of(object);
    MarkedCount::retain(header->count);
    report(header);
  }
  CHURN_ALWAYS_INLINE void moved_into(Ref object, Ref moved) noexcept {
    report(Base::header_of(moved));
    Base::moved_into(object, moved);
  }
  CHURN_ALWAYS_INLINE void moved_out(Ref moved) noexcept { report(Base::header_of(moved)); }

  // ---- weak references and deaths, while a cycle decides ----

  void weaken(auto& weak, Ref object) {
    Base::weaken(weak, object);
    if (object) note_member(Base::header_of(object));
  }
  Ref strengthen(auto& weak) noexcept {
    return Base::owned(Base::deaths_.strengthen(
        weak, [this](Header* header) { return !is_decided(header) && retain_living(header); }));
  }
  void watch(Ref object, std::uint64_t tag) {
    Base::watch(object, tag);
    note_member(Base::header_of(object));
  }
  // Those that a cycle has found come after it knows what they reach.
  Ref next_dead(std::uint64_t& tag) noexcept {
    if (!decides() && !kept_.empty()) Base::deaths_.hand_out(kept_.pop());
    return Base::next_dead(tag);
  }

  // No mutator runs, or only the caller's.
  void verify() {
    free_waiting(Base::accounts_.spare(), ~std::uint64_t{0});
    Base::verify();
  }

 protected:
  using Base::late_;

  // ---- deaths by count ----

  // pre: nothing refers to `dead` any more.
  template <bool within_collection = false>
  CHURN_NEVER_INLINE void reclaim(Account& account, Header* dead) {
    wait(account, dead);
    if (within_collection) return;
    free_some(account);
    self().after_drop(account);
  }
  // Another part of what waits.
  void free_some(Account& account) {
    std::uint64_t const alone = Base::unrecorded_objects;
    if (free_waiting(account, alone) < alone) return;
    std::uint64_t const start_ns = PauseLog::start_ns();
    if (free_waiting(account, cascade_bound - alone) > 0) Base::pauses_.record_since(start_ns);
  }
  void free_all_waiting(Account& account) { free_waiting(account, ~std::uint64_t{0}); }

  // ---- suspects: hooks of the base ----

  void note_loss(Header* header) {
    if (is_member(header)) {
      header->slots |= lost_bit;
    } else if (header->is_queued() && late_.is_before_line(header)) {
      late_.leave(header);
      header->set_mark(header->mark() & Header::old_bit);
      Base::suspect(header);
    } else {
      Base::note_loss(header);
    }
  }
  void note_move(Header* header) {
    if (is_member(header)) {
      header->slots |= lost_bit;
    } else if (header->is_queued() && late_.is_before_line(header)) {
      late_.leave(header);
      header->set_mark(header->mark() & Header::old_bit);
      late_.push(header);
    } else {
      Base::note_move(header);
    }
  }
  bool noted_lets_go(Header* header) {
    if (Base::noted_lets_go(header)) return true;
    report(header);  // the list of the ready has a reference to it
    return false;
  }
  void bury(Account& account, Header* header) noexcept {
    if (is_member(header)) {
      header->slots |= dead_bit;
    } else {
      Base::bury(account, header);
    }
  }

  // ---- the cycle ----

  bool cycle_runs() const noexcept { return phase_ != Phase::idle; }
  // pre: none runs. All suspects become late ones, so the young ones should be few.
  void begin_cycle() {
    while (!Base::early_.empty()) {
      Header* const header = Base::early_.pop();
      header->set_mark(Header::none);
      late_.push(header);
    }
    late_.draw_line();
    next_ = found_bytes_ = 0;
    phase_ = Phase::gather;
  }
  // Visits so many objects, at least one; an object counts once more for every 16 slots.
  void step(Account& account, std::uint64_t visits) {
    free_waiting(account, visits);
    if (waiting_ != nullptr) return;
    left_ = static_cast<std::int64_t>(visits);
    while (left_ > 0 && cycle_runs()) {
      switch (phase_) {
        case Phase::gather:
          gather();
          break;
        case Phase::subtract:
          walk(Phase::scan, [this](Header* header) { subtract(header); });
          break;
        case Phase::scan:
          scan();
          break;
        case Phase::condemn:
          condemn();
          break;
        case Phase::keep:
          keep();
          break;
        case Phase::unlink:
          walk(Phase::release, [&](Header* header) { unlink(account, header); });
          free_waiting(account, visits);
          if (waiting_ != nullptr) return;
          break;
        case Phase::release:
          walk(Phase::idle, [&](Header* header) { release(account, header); });
          if (!cycle_runs()) members_.clear();
          break;
        case Phase::idle:
          break;
      }
    }
  }
  // What the last cycle, or this one so far, has found to be garbage; bytes with headers.
  std::uint64_t found_bytes() const noexcept { return found_bytes_; }

 private:
  enum class Phase { idle, gather, subtract, scan, condemn, keep, unlink, release };

  // Beside the number of slots, while an object is a member.
  static constexpr std::uint32_t held_bit = std::uint32_t{1} << 25;  // has been reported
  static constexpr std::uint32_t lost_bit = std::uint32_t{1} << 26;  // a suspect of the next cycle
  static constexpr std::uint32_t live_bit = std::uint32_t{1} << 27;
  static constexpr std::uint32_t dead_bit = std::uint32_t{1} << 28;  // by its count
  static constexpr std::uint32_t member_bits = held_bit | lost_bit | live_bit | dead_bit;
  static constexpr std::uint32_t most_trial = Header::member_bit - 1;

  Self& self() noexcept { return static_cast<Self&>(*this); }

  static bool is_member(Header const* header) noexcept {
    return (header->mark() & Header::member_bit) != 0;
  }
  static bool is_dead(Header const* header) noexcept { return (header->slots & dead_bit) != 0; }
  // pre: a member, and the scan is over
  static bool is_garbage(Header const* header) noexcept {
    return (header->slots & (live_bit | dead_bit)) == 0;
  }

  // Whether it is known what is garbage, and not yet what of it has to be kept.
  bool decides() const noexcept { return phase_ == Phase::condemn || phase_ == Phase::keep; }
  bool is_decided(Header const* header) const noexcept {
    return decides() && is_member(header) && is_garbage(header);
  }
  bool retain_living(Header* header) noexcept {
    retain(Base::reference_to(header));
    return true;
  }
  // Noted after it was gathered.
  void note_member(Header* header) {
    if (phase_ < Phase::condemn && is_member(header)) noted_.push(header);
  }

  CHURN_ALWAYS_INLINE void report(Header* header) noexcept {
    if (is_member(header)) [[unlikely]] {
      hold(header);
    }
  }
  CHURN_NEVER_INLINE void hold(Header* header) noexcept {
    header->slots |= held_bit;
    if (phase_ == Phase::scan) find_live(header);
  }

  // pre: nothing refers to it any more.
  void wait(Account& account, Header* dead) {
    self().bury(account, dead);
    dead->count = reinterpret_cast<Word>(waiting_);
    waiting_ = dead;
  }
  // Frees up to `most` of those that wait, and of those that die of it; returns how many.
  std::uint64_t free_waiting(Account& account, std::uint64_t most) {
    std::uint64_t freed = 0;
    for (; waiting_ != nullptr && freed < most; ++freed) {
      Header* const dead = waiting_;
      waiting_ = reinterpret_cast<Header*>(dead->count);
      dead->count = Header::member_bit;
      drop_slots(account, dead);
      if (!is_dead(dead)) Base::free_cell(account, dead);
    }
    return freed;
  }
  void drop_slots(Account& account, Header* header) {
    Word* const slots = Base::slots_of(header);
    for (std::uint32_t i = 0, count = header->slot_count(); i < count; ++i) {
      if (slots[i] == 0) continue;
      Header* const child = Base::header_of(std::exchange(slots[i], 0));
      if (Base::lose(child)) wait(account, child);
    }
  }

  // ---- the walks ----

  void spend_on(Header const* header) noexcept { left_ -= 1 + header->slot_count() / 16; }
  // One walk over the members; a dead one is passed over until the release.
  template <class Visit>
  void walk(Phase then, Visit visit) {
    for (; left_ > 0 && next_ < members_.size(); ++next_) {
      Header* const header = members_[next_];
      spend_on(header);
      visit(header);
    }
    if (next_ < members_.size()) return;
    next_ = 0;
    phase_ = then;
  }
  template <class Visit>
  void for_each_member_in(Header* header, Visit visit) {
    if (is_dead(header)) return;
    Word const* const slots = Base::slots_of(header);
    for (std::uint32_t i = 0, count = header->slot_count(); i < count; ++i) {
      if (slots[i] == 0) continue;
      Header* const child = Base::header_of(slots[i]);
      if (is_member(child) && !is_dead(child)) visit(child);
    }
  }

  void gather() {
    while (left_ > 0) {
      if (next_ < members_.size()) {
        Header* const header = members_[next_++];
        spend_on(header);
        if (!is_dead(header)) enlist_children(header);
      } else if (late_.reaches_line()) {
        enlist(late_.pop());
      } else {
        next_ = 0;
        phase_ = Phase::subtract;
        return;
      }
    }
  }
  void enlist_children(Header* header) {
    Word const* const slots = Base::slots_of(header);
    for (std::uint32_t i = 0, count = header->slot_count(); i < count; ++i) {
      if (slots[i] == 0) continue;
      Header* const child = Base::header_of(slots[i]);
      if (is_member(child) || child->mark() == Header::atom) continue;
      if (child->is_queued()) {
        // Suspected since the beginning: it may have been alive then.
        if (child->is_quiet() || !late_.is_before_line(child)) child->slots |= lost_bit;
        Base::leave_queue(child);
      }
      enlist(child);
    }
  }
  void enlist(Header* header) {
    Word const references = MarkedCount::value(header->count);
    if (references > most_trial) header->slots |= held_bit;
    if (header->is_noted()) noted_.push(header);
    std::uint32_t const trial = static_cast<std::uint32_t>(references) & most_trial;
    header->set_mark(Header::member_bit | trial);
    members_.push(header);
  }

  void subtract(Header* header) {
    for_each_member_in(header, [](Header* child) {
      if ((child->mark() & most_trial) != 0) --child->count;  // the mark is the lower half
    });
  }

  void scan() {
    while (left_ > 0) {
      if (!found_live_.empty()) {
        scan_live();
      } else if (next_ < members_.size()) {
        Header* const header = members_[next_++];
        --left_;
        bool const held = (header->mark() & most_trial) != 0 || (header->slots & held_bit) != 0;
        if (held && !is_dead(header)) find_live(header);
      } else {
        found_live_.clear();
        next_ = 0;
        kept_before_ = kept_.size();
        phase_ = noted_.empty() ? Phase::unlink : Phase::condemn;
        return;
      }
    }
  }
  void scan_live() {
    Header* const header = found_live_.pop();
    spend_on(header);
    for_each_member_in(header, [this](Header* child) { find_live(child); });
  }
  // All weak references to garbage go before any of it is kept.
  void condemn() {
    for (; left_ > 0 && next_ < noted_.size(); ++next_, --left_) {
      Header* const header = noted_[next_];
      if (is_garbage(header) && Base::deaths_.condemn(header)) kept_.push(header);
    }
    if (next_ < noted_.size()) return;
    noted_.clear();
    next_ = kept_before_;
    phase_ = Phase::keep;
  }
  void keep() {
    while (left_ > 0) {
      if (!found_live_.empty()) {
        scan_live();
      } else if (next_ < kept_.size()) {
        --left_;
        find_live(kept_[next_++]);
      } else {
        found_live_.clear();
        next_ = 0;
        phase_ = Phase::unlink;
        return;
      }
    }
  }
  void find_live(Header* header) {
    if ((header->slots & live_bit) != 0) return;
    header->slots |= live_bit;
    found_live_.push(header);
  }

  void unlink(Account& account, Header* header) {
    if (!is_garbage(header)) return;
    found_bytes_ += Base::header_bytes + requested_bytes(header->shape());
    Word* const slots = Base::slots_of(header);
    for (std::uint32_t i = 0, count = header->slot_count(); i < count; ++i) {
      if (slots[i] == 0) continue;
      Header* const child = Base::header_of(std::exchange(slots[i], 0));
      if (is_member(child) && is_garbage(child)) {
        child->count -= MarkedCount::one;  // freed in its turn
      } else if (Base::lose(child)) {
        wait(account, child);
      }
    }
  }

  void release(Account& account, Header* header) {
    if ((header->slots & live_bit) == 0 || is_dead(header)) {
      Base::free_cell(account, header);
      return;
    }
    bool const suspect_again = (header->slots & lost_bit) != 0;
    header->slots &= ~member_bits;
    header->survive();
    if (suspect_again) Base::suspect(header);
  }

  Phase phase_ = Phase::idle;
  ChunkList<Header> members_, found_live_;
  ChunkList<Header> noted_;      // members, some of them twice
  ChunkList<Header> kept_;       // watched members that are dead, for next_dead
  std::size_t kept_before_ = 0;  // of former cycles
  std::size_t next_ = 0;         // member of the walk
  std::int64_t left_ = 0;        // visits of this step
  std::uint64_t found_bytes_ = 0;
  Header* waiting_ = nullptr;  // dead by count, through their counts
};

}  // namespace churn::collectors
