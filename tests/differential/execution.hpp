// What:  executes a program on a collector and writes down what can be seen of it.
// Why:   one template for all collectors: what differs in the logs is the collectors' doing.
// How:   beside the heap it keeps what the program has written where (who is in which slot), so
//        that it knows what kind of object a place holds, and checks on the way that the heap gives
//        back the object that was put there. Identities are given in the order of allocation.
#pragma once

#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "harness/core/check.hpp"
#include "harness/core/contracts.hpp"
#include "tests/differential/log.hpp"
#include "tests/differential/program.hpp"

namespace churn::differential {

template <Collector C>
class Execution {
  using M = typename C::Mutator;
  using Ref = typename M::Ref;
  using Local = typename M::Local;
  using Frame = typename M::template Frame<places + 1>;
  // Operands are held until an operation is over, and let go of in the order of their indices: so
  // that what else they are known by matters to nobody, and Python code can do the same.
  using One = typename M::template Frame<1>;
  using Two = typename M::template Frame<2>;
  using Three = typename M::template Frame<3>;
  using Id = std::int64_t;
  static constexpr Id null = -1;

 public:
  Execution(typename C::Heap& heap, M& m, Program const& program, Profile profile)
      : heap_(heap), m_(m), program_(program), profile_(profile), frame_(m) {
    place_ids_.fill(null);
  }

  // Leaves nothing behind.
  Log run() {
    m_.on_death({this, finalize, weak_died});
    if (profile_ == Profile::everything) m_.on_collection({this, notice});
    look();
    for (operation_ = 0; operation_ < program_.operations.size(); ++operation_) {
      execute(program_.operations[operation_]);
      look();
    }
    wind_up();
    return std::move(log_);
  }

 private:
  enum class Kind : std::uint8_t { node, weak };
  struct Object {
    Kind kind = Kind::node;
    bool watched = false;
    std::int32_t hook = -1;
    Id referent = null;
    std::uint32_t slot_count = 0;
    std::array<Id, most_slots> slots{};
  };
  using Figures = std::array<std::uint64_t, static_cast<std::size_t>(Seen::end_of_list)>;

  // ---- what is seen ----

  void see(Seen seen, std::uint64_t value) {
    log_.push_back({static_cast<std::uint32_t>(operation_), seen, value});
  }
  void see_result(std::uint64_t value) { see(Seen::result, value); }

  // Freezing walks a list in one of the collectors.
  void look(bool also_dear = false) {
    bool const everything = profile_ == Profile::everything;
    if (!everything && !also_dear) return;
    auto const figure = [this](Seen seen, std::size_t index, std::uint64_t value) {
      std::size_t const at = static_cast<std::size_t>(seen) + index;
      if (figures_[at] == value) return;
      figures_[at] = value;
      see(static_cast<Seen>(at), value);
    };
    auto const counts = m_.get_count();
    auto const rows = m_.get_stats();
    for (std::size_t g = 0; g < generations; ++g) {
      if (everything || g > 0) figure(Seen::count, g, counts[g]);
      figure(Seen::collections, g, rows[g].collections);
      figure(Seen::collected, g, rows[g].collected);
      figure(Seen::uncollectable, g, rows[g].uncollectable);
    }
    figure(Seen::garbage, 0, m_.garbage_size());
    figure(Seen::enabled, 0, m_.is_enabled());
    if (!also_dear) return;
    figure(Seen::frozen, 0, m_.get_freeze_count());
    if (!everything) return;
    Stats const stats = heap_.stats();
    figure(Seen::allocated, 0, stats.allocated_objects);
    figure(Seen::reclaimed, 0, stats.allocated_objects - stats.present_objects());
    heap_.verify();
  }

  static void finalize(void* self, M&, Ref object, std::uint64_t tag) {
    auto& execution = *static_cast<Execution*>(self);
    auto const id = static_cast<Id>(tag) - 1;
    execution.see(Seen::finalized, static_cast<std::uint64_t>(id));
    execution.in_hook(object, id);
  }
  static void weak_died(void* self, M&, Ref weak, std::uint64_t tag) {
    auto& execution = *static_cast<Execution*>(self);
    auto const id = static_cast<Id>(tag) - 1;
    execution.see(Seen::weak_died, static_cast<std::uint64_t>(id));
    execution.in_hook(weak, id);
  }
  static void notice(void* self, CollectionEvent const& event) {
    auto& execution = *static_cast<Execution*>(self);
    if (!event.stops) return execution.see(Seen::starts, event.generation);
    execution.see(Seen::stops, event.collected << 32 | event.uncollectable);
    execution.look();
  }
  void in_hook(Ref self, Id id) {
    std::int32_t const hook = object(id).hook;
    if (hook < 0) return;
    One former(m_);
    Id const former_id = place_ids_[self_place];
    m_.move(former[0], frame_[self_place]);
    m_.set(frame_[self_place], self);
    place_ids_[self_place] = id;
    look();
    for (auto const& each : program_.hooks[static_cast<std::size_t>(hook)]) execute(each);
    look();
    place_ids_[self_place] = former_id;
    m_.move(frame_[self_place], former[0]);
  }

  // ---- what is where ----

  Object& object(Id id) { return objects_[static_cast<std::size_t>(id)]; }
  Id make(Kind kind, std::uint32_t slots) {
    Object made;
    made.kind = kind;
    made.slot_count = slots;
    made.slots.fill(null);
    objects_.push_back(made);
    return static_cast<Id>(objects_.size()) - 1;
  }
  bool has_slots(std::uint8_t place) {
    return place_ids_[place] != null && object(place_ids_[place]).slot_count != 0;
  }
  std::uint32_t slot_of(Id id, std::uint32_t any) { return any % object(id).slot_count; }
  Shape shape_of(Id id) { return {object(id).slot_count, sizeof(Id)}; }

  // The heap gave `ref` where `id` was put.
  void expect_is(Ref ref, Id id) {
    bool const null_where_null_was_put = (ref == Ref{}) == (id == null);
    CHURN_CHECK(null_where_null_was_put);
    if (id == null || object(id).kind == Kind::weak) return;
    Id found = 0;
    std::memcpy(&found, m_.payload(ref, shape_of(id)), sizeof found);
    bool const object_is_the_one_that_was_put_there = found == id;
    CHURN_CHECK(object_is_the_one_that_was_put_there);
  }

  // ---- operations ----

  void execute(Operation const& each) {
    switch (each.code) {
      case Code::allocate:
        return allocate(each);
      case Code::link:
        return link(each);
      case Code::link_far:
        return link_far(each);
      case Code::drop:
        return put(each.a, Ref{}, null);
      case Code::set:
        return set(each);
      case Code::load:
      case Code::take:
        return read(each);
      case Code::watch:
        return watch(each.a, each.hook);
      case Code::weak:
        return make_weak(each);
      case Code::referent:
        return referent(each);
      case Code::ring:
        return ring(each);
      case Code::chain:
        return chain(each);
      case Code::burst:
        for (std::uint16_t i = 0; i < each.c; ++i) {
          One entry(m_);
          build_ring(entry[0], each.b, -1);
        }
        return;
      case Code::collect:
        return see_result(m_.collect(each.c));
      default:
        return control(each);
    }
  }
  void control(Operation const& each) {
    switch (each.code) {
      case Code::thresholds:
        return m_.set_threshold({each.c, each.a, each.b});
      case Code::enable:
        return m_.enable();
      case Code::disable:
        return m_.disable();
      case Code::freeze:
        return m_.freeze();
      case Code::unfreeze:
        return m_.unfreeze();
      case Code::save_all:
        return m_.save_all(each.c != 0);
      case Code::garbage:
        return take_garbage(each);
      case Code::clear_garbage:
        return m_.clear_garbage();
      default:
        return look(true);
    }
  }

  // The identity goes first: what is dropped may run hooks that look at this place.
  void put(std::uint8_t place, Ref ref, Id id) {
    place_ids_[place] = id;
    m_.set(frame_[place], ref);
  }

  // The identity is that of the moment before: a collection within may run hooks that allocate.
  Id stamp(Local& local, std::uint32_t slots) {
    m_.allocate(local, Shape{slots, sizeof(Id)});
    Id const id = make(Kind::node, slots);
    std::memcpy(m_.payload(local.get(), shape_of(id)), &id, sizeof id);
    return id;
  }
  void allocate(Operation const& each) {
    One fresh(m_);
    Id const id = stamp(fresh[0], each.c);
    bool const tracked = m_.is_tracked(fresh[0].get());
    if (each.hook >= 0) watch(fresh[0].get(), id, each.hook);
    place_ids_[each.a] = id;
    m_.move(frame_[each.a], fresh[0]);
    see_result(tracked);
  }
  void set(Operation const& each) {
    One value(m_);
    m_.set(value[0], frame_[each.b].get());
    put(each.a, value[0].get(), place_ids_[each.b]);
  }
  void link(Operation const& each) {
    if (!has_slots(each.a)) return;
    Two held(m_);
    m_.set(held[0], frame_[each.a].get());
    m_.set(held[1], frame_[each.b].get());
    write(held, place_ids_[each.a], each.c, place_ids_[each.b]);
  }
  void link_far(Operation const& each) {
    if (!has_slots(each.a)) return;
    Id const near = place_ids_[each.a];
    std::uint32_t const slot = slot_of(near, each.c);
    Id const far = object(near).slots[slot];
    Two held(m_);
    m_.set(held[0], m_.read(frame_[each.a].get(), slot));
    expect_is(held[0].get(), far);
    if (far == null || object(far).slot_count == 0) return;
    m_.set(held[1], frame_[each.b].get());
    write(held, far, each.c / 8u, place_ids_[each.b]);
  }
  // held[0]'s slot = held[1]
  void write(Two& held, Id holder, std::uint32_t any_slot, Id value) {
    std::uint32_t const slot = slot_of(holder, any_slot);
    object(holder).slots[slot] = value;
    m_.write(held[0].get(), slot, held[1].get());
  }
  void read(Operation const& each) {
    if (!has_slots(each.b)) return;
    Id const holder = place_ids_[each.b];
    std::uint32_t const slot = slot_of(holder, each.c);
    Id const id = object(holder).slots[slot];
    Two held(m_);
    m_.set(held[1], frame_[each.b].get());
    m_.set(held[0], m_.read(held[1].get(), slot));
    expect_is(held[0].get(), id);
    if (each.code == Code::load) return put(each.a, held[0].get(), id);
    object(holder).slots[slot] = null;
    place_ids_[each.a] = id;
    m_.take(frame_[each.a], held[1].get(), slot);
  }

  void watch(Ref ref, Id id, std::int32_t hook) {
    Object& watched = object(id);
    if (watched.watched) return;
    watched.watched = true;
    watched.hook = hook;
    m_.watch(ref, static_cast<std::uint64_t>(id) + 1);
  }
  // Objects without slots are watched where they are made: Python code cannot do it later.
  void watch(std::uint8_t place, std::int32_t hook) {
    if (has_slots(place)) watch(frame_[place].get(), place_ids_[place], hook);
  }
  void make_weak(Operation const& each) {
    if (!has_slots(each.b)) return;
    Id const referent = place_ids_[each.b];
    Two held(m_);
    m_.set(held[1], frame_[each.b].get());
    Id const id = make(Kind::weak, 0);
    object(id).referent = referent;
    object(id).hook = each.hook;
    auto const tag = each.hook < 0 ? 0 : static_cast<std::uint64_t>(id) + 1;
    m_.allocate_weak(held[0], held[1].get(), tag);
    place_ids_[each.a] = id;
    m_.move(frame_[each.a], held[0]);
  }
  void referent(Operation const& each) {
    Id const id = place_ids_[each.b];
    if (id == null || object(id).kind != Kind::weak) return;
    Two held(m_);
    m_.set(held[1], frame_[each.b].get());
    bool const lives = m_.referent(held[0], held[1].get());
    see_result(lives);
    if (lives) expect_is(held[0].get(), object(id).referent);
    put(each.a, held[0].get(), lives ? object(id).referent : null);
  }

  // A ring through slot 0, from its last node backwards; `watched` of them is watched.
  Id build_ring(Local& entry, std::uint32_t nodes, std::int32_t hook) {
    typename M::template Frame<2> frame(m_);
    Id const last_id = stamp(frame[0], 2);
    Id id = last_id;
    m_.set(entry, frame[0].get());
    if (hook >= 0) watch(entry.get(), id, hook);
    for (std::uint32_t i = 1; i < nodes; ++i) {
      Id const next = stamp(frame[1], 2);
      object(next).slots[0] = id;
      m_.write(frame[1].get(), 0, entry.get());
      m_.move(entry, frame[1]);
      id = next;
    }
    object(last_id).slots[0] = id;
    m_.write(frame[0].get(), 0, entry.get());
    return id;
  }
  void ring(Operation const& each) {
    One entry(m_);
    Id const id = build_ring(entry[0], each.c, each.hook);
    put(each.a, entry[0].get(), id);
  }
  // From its last node backwards; through slot 0 and 1 by turns, with a leaf in the other one.
  void chain(Operation const& each) {
    Three held(m_);
    Id next = null;
    for (std::uint32_t i = each.c; i-- > 0;) {
      bool const watched = i % each.b == 0;
      Id const id = stamp(held[1], 2);
      if (watched) watch(held[1].get(), id, each.hook);
      object(id).slots[i % 2] = next;
      m_.write(held[1].get(), i % 2, held[0].get());
      if (watched) {
        Id const leaf = stamp(held[2], 1);
        watch(held[2].get(), leaf, each.hook);
        object(id).slots[1 - i % 2] = leaf;
        m_.write(held[1].get(), 1 - i % 2, held[2].get());
        m_.clear(held[2]);
      }
      m_.move(held[0], held[1]);
      next = id;
    }
    put(each.a, held[0].get(), next);
  }
  void take_garbage(Operation const& each) {
    std::size_t const items = m_.garbage_size();
    see_result(items);
    if (items == 0) return;
    One item(m_);
    m_.garbage(item[0], each.c % items);
    see_result(m_.is_tracked(item[0].get()));
  }

  // Everything goes, in the order of the places.
  void wind_up() {
    m_.enable();
    m_.save_all(false);
    m_.clear_garbage();
    if (profile_ == Profile::everything) m_.unfreeze();
    for (std::uint8_t place = 0; place < places; ++place) put(place, Ref{}, null);
    for (int i = 0; i < 4; ++i) {  // what hooks have kept meanwhile
      see_result(m_.collect(generations - 1));
      for (std::uint8_t place = 0; place < places; ++place) put(place, Ref{}, null);
      look(true);
    }
    m_.on_collection({});
    m_.on_death({});
  }

  typename C::Heap& heap_;
  M& m_;
  Program const& program_;
  Profile const profile_;
  Frame frame_;
  std::array<Id, places + 1> place_ids_{};
  std::vector<Object> objects_;
  Figures figures_{};
  Log log_;
  std::size_t operation_ = 0;
};

template <Collector C>
Log execute(Program const& program, Profile profile = Profile::everything,
            HeapOptions const& options = {}) {
  typename C::Heap heap(options);
  typename C::Mutator m(heap);
  return Execution<C>(heap, m, program, profile).run();
}

}  // namespace churn::differential
