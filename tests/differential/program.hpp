// What:  a random program over a heap of Python's kind, as data: operations on a few places, and
//        the lists of operations that finalizers and callbacks run.
// Why:   the same program is executed on several collectors, one of them in another process and
//        another language, and their logs are compared. It depends on its seed alone, never on what
//        a heap does, so that operations can be left out of it to find the few that matter.
// How:   every operation has a meaning in every state; where an operand is null or of another kind,
//        nothing happens. Operands are taken modulo what there is.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/random.hpp"

namespace churn::differential {

inline constexpr std::uint8_t places = 16;
inline constexpr std::uint8_t self_place = places;  // in hooks: the object that dies
inline constexpr std::uint32_t most_slots = 6;

enum class Code : std::uint8_t {
  allocate,    // a: place; c: slots; hook: watched, if there is one
  link,        // slot c of place a = place b
  link_far,    // the object in slot c of place a: its slot c / 8 = place b
  drop,        // place a = null
  set,         // place a = place b
  load,        // place a = slot c of place b
  take,        // the same, and the slot becomes null
  watch,       // place a, with hook
  weak,        // place a = a new weak object to place b; hook: its callback, if there is one
  referent,    // place a = what the weak object in place b names
  ring,        // place a = a new ring of c nodes; hook: this one of them is watched
  chain,       // place a = a new chain of c nodes; each b-th and its leaf are watched, with hook
  burst,       // c new rings of b nodes, dropped one by one
  collect,     // generation c
  thresholds,  // c, a, b
  enable,
  disable,
  freeze,
  unfreeze,
  save_all,  // c: on or off
  garbage,   // place a = item c of the garbage list
  clear_garbage,
  statistics,  // look at all figures, also those that are dear
};
inline constexpr std::array<std::string_view, 23> code_names{
    "allocate", "link",     "link_far",   "drop",          "set",       "load",
    "take",     "watch",    "weak",       "referent",      "ring",      "chain",
    "burst",    "collect",  "thresholds", "enable",        "disable",   "freeze",
    "unfreeze", "save_all", "garbage",    "clear_garbage", "statistics"};

struct Operation {
  Code code;
  std::uint8_t a = 0, b = 0;
  std::uint16_t c = 0;
  std::int32_t hook = -1;
};

struct Program {
  std::uint64_t seed = 0;
  std::vector<Operation> operations;
  std::vector<std::vector<Operation>> hooks;
};

// What may occur in a program.
enum class Profile {
  everything,
  // What Python code can follow without tracked allocations of its own, which would be counted.
  // Making a weak object or setting thresholds takes a tuple, looking at statistics takes
  // dictionaries: these come together, with automatic collection disabled, and then two full
  // collections. The first throws away what the interpreter keeps of such objects for the next
  // ones, the second sets the counts to zero.
  replayable,
};

class Generator {
 public:
  Generator(std::uint64_t seed, Profile profile)
      : random_(Random::fork(seed, 97)), profile_(profile) {
    program_.seed = seed;
  }

  Program make(std::size_t operations) {
    // Some programs never collect by themselves, some are all about it.
    thresholds_ = random_.below(replayable() ? 2 : 4) != 0;
    thresholds();
    if (replayable()) start_afresh();
    while (program_.operations.size() < operations) step();
    return std::move(program_);
  }

 private:
  static constexpr std::uint64_t weights_sum = 200;

  void add(Operation const& operation) { program_.operations.push_back(operation); }
  bool replayable() const noexcept { return profile_ == Profile::replayable; }
  std::uint8_t place() { return static_cast<std::uint8_t>(random_.below(places)); }
  std::uint16_t below(std::uint64_t bound) {
    return static_cast<std::uint16_t>(random_.below(bound));
  }
  std::uint16_t any_slot() { return below(64); }

  std::int32_t hook() {
    std::vector<Operation> operations;
    for (std::uint64_t left = random_.below(3); left > 0; --left) {
      operations.push_back(hook_step());
    }
    program_.hooks.push_back(std::move(operations));
    return static_cast<std::int32_t>(program_.hooks.size()) - 1;
  }
  std::int32_t perhaps_hook(std::uint64_t one_in) {
    return random_.below(one_in) == 0 ? hook() : -1;
  }

  // What a finalizer or callback does: keeps what dies, or works on the rest.
  Operation hook_step() {
    std::uint8_t const any = random_.below(3) == 0 ? self_place : place();
    switch (random_.below(14)) {
      case 0:
      case 1:
        return {Code::set, place(), self_place};
      case 2:
        return {Code::link, place(), self_place, any_slot()};
      case 3:
        return {Code::link, self_place, place(), any_slot()};
      case 4:
        return {Code::allocate, place(), 0, below(most_slots)};
      case 5:
        return {Code::drop, place()};
      case 6:
        return {Code::take, place(), any, any_slot()};
      case 7:
        return {Code::load, place(), any, any_slot()};
      case 8:
        return {Code::collect, 0, 0, below(3)};
      case 9:
        return {Code::ring, place(), 0, static_cast<std::uint16_t>(1 + below(4))};
      case 10:
        if (random_.below(2) == 0) return chain(-1);
        return {Code::burst, 0, static_cast<std::uint8_t>(1 + below(4)), below(30)};
      case 11:
        if (!replayable()) return {Code::weak, place(), any};
        [[fallthrough]];
      default:
        return {Code::referent, place(), place()};
    }
  }

  void step() {
    std::uint64_t const dice = random_.below(weights_sum);
    if (dice < 40) return allocate();
    if (dice < 76) return add({Code::link, place(), place(), any_slot()});
    if (dice < 86) return add({Code::link_far, place(), place(), any_slot()});
    if (dice < 104) return add({Code::drop, place()});
    if (dice < 110) return add({Code::set, place(), place()});
    if (dice < 122) return add({Code::load, place(), place(), any_slot()});
    if (dice < 128) return add({Code::take, place(), place(), any_slot()});
    if (dice < 134) return add({Code::watch, place(), 0, 0, hook()});
    if (dice < 148 && !replayable()) return weak();
    if (dice < 156) return add({Code::referent, place(), place()});
    if (dice < 164) {
      auto const nodes = static_cast<std::uint16_t>(1 + below(7));
      return add({Code::ring, place(), 0, nodes, perhaps_hook(3)});
    }
    if (dice < 165) return add(chain(perhaps_hook(2)));
    if (dice < 168) {
      return add({Code::burst, 0, static_cast<std::uint8_t>(1 + below(6)), below(60)});
    }
    if (dice < 182) return add({Code::collect, 0, 0, below(3)});
    control(dice);
  }

  // Some die deeper than CPython 3.11 recurses.
  Operation chain(std::int32_t hook) {
    auto const every = static_cast<std::uint8_t>(1 + below(9));
    return {Code::chain, place(), every, static_cast<std::uint16_t>(1 + below(130)), hook};
  }
  void allocate() {
    std::uint16_t const slots = below(most_slots);
    std::int32_t const hook = perhaps_hook(6);
    // There is no room for an identity in a Python object without slots.
    add({Code::allocate, place(), 0, slots, slots == 0 && replayable() ? -1 : hook});
  }
  void weak() { add({Code::weak, place(), place(), 0, random_.below(4) != 0 ? hook() : -1}); }
  // Not so low that the tuples of a few weak objects would matter.
  void thresholds() {
    auto const first = static_cast<std::uint16_t>(thresholds_ ? 20 + below(150) : 0);
    add({Code::thresholds, static_cast<std::uint8_t>(below(6)), static_cast<std::uint8_t>(below(6)),
         first});
  }
  void start_afresh() {
    for (int i = 0; i < 2; ++i) add({Code::collect, 0, 0, 2});
  }
  void what_takes_allocations() {
    add({Code::statistics});
    add({Code::disable});
    start_afresh();
    if (random_.below(3) == 0) thresholds();
    // Python tells weak objects of a death by way of a tuple.
    for (std::uint64_t left = thresholds_ ? 0 : random_.below(7); left > 0; --left) weak();
    start_afresh();
    add({Code::enable});
  }

  void control(std::uint64_t dice) {
    if (dice < 188 && replayable()) return what_takes_allocations();
    if (dice < 185) return thresholds();
    if (dice < 188) return add({Code::statistics});
    if (dice < 190) return add({random_.below(4) == 0 ? Code::disable : Code::enable});
    if (dice < 192) return add({Code::garbage, place(), 0, any_slot()});
    if (dice < 194) return add({Code::save_all, 0, 0, below(2)});
    if (dice < 196) return add({Code::clear_garbage});
    if (dice < 198) return add({Code::freeze});
    // Here a Python program would unfreeze the interpreter's own objects.
    if (!replayable()) add({Code::unfreeze});
  }

  Random random_;
  Profile const profile_;
  Program program_;
  bool thresholds_ = false;
};

inline Program make_program(std::uint64_t seed, std::size_t operations, Profile profile) {
  return Generator(seed, profile).make(operations);
}

// allocate(a, b, c), and what its hook would run.
inline std::string in_words(Program const& program, Operation const& operation) {
  std::string text(code_names[static_cast<std::size_t>(operation.code)]);
  text += '(' + std::to_string(operation.a) + ", " + std::to_string(operation.b) + ", " +
          std::to_string(operation.c) + ')';
  if (operation.hook < 0) return text;
  text += " with a hook:";
  for (auto const& each : program.hooks[static_cast<std::size_t>(operation.hook)]) {
    text += ' ' + in_words(program, each);
  }
  return text;
}

}  // namespace churn::differential
