// The two passes of parts/cycle_finder.hpp against the three that CPython's notes describe, written
// down as they are told there: the same objects live and die, in the same order, whatever the shape
// of the graph; also where large objects wait for their turn and where what is ahead is asked for.
#include "collectors/parts/cycle_finder.hpp"

#include <gtest/gtest.h>

#include <array>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/core/random.hpp"

namespace churn::collectors {
namespace {

using Header = TrackedHeader;
using Finder = CycleFinder<Header>;
using List = TrackedList<Header>;
constexpr std::uint8_t young = 0, middle = 1, old = 2, dead = 4;

// Objects with counts, by index; the list of each is chosen by the test.
class Graph {
 public:
  explicit Graph(std::vector<std::uint32_t> const& slots) {
    for (std::uint32_t const count : slots) {
      memory_.push_back(std::make_unique<Word[]>(sizeof(Header) / sizeof(Word) + count + 1));
      headers_.push_back(::new (memory_.back().get()) Header);
      headers_.back()->describe({count, 0});
      headers_.back()->count = 0;
      index_[headers_.back()] = headers_.size() - 1;
    }
  }
  std::size_t size() const { return headers_.size(); }
  Header* operator[](std::size_t index) { return headers_[index]; }
  std::size_t index_of(Header* header) const { return index_.at(header); }
  void link(std::size_t from, std::uint32_t slot, std::size_t to) {
    Finder::slots_of(headers_[from])[slot] = reinterpret_cast<Word>(headers_[to] + 1);
    hold(to);
  }
  void hold(std::size_t index) { MarkedCount::retain(headers_[index]->count); }
  template <class Visit>
  void for_each_child(std::size_t index, Visit visit) {
    for (std::uint32_t s = 0; s < headers_[index]->slots; ++s) {
      Word const word = Finder::slots_of(headers_[index])[s];
      if (word != 0) visit(index_.at(Finder::header_of(word)));
    }
  }

 private:
  std::vector<std::unique_ptr<Word[]>> memory_;
  std::vector<Header*> headers_;
  std::map<Header const*, std::size_t> index_;
};

struct Parts {
  std::vector<std::size_t> living, dead;
  std::uint64_t outward = 0;
  friend bool operator==(Parts const&, Parts const&) = default;
};

// References from within are taken off a copy of each count; then one walk moves what has none left
// to the unreachable, and whatever something live names back to the end.
Parts as_told(Graph& graph, std::vector<std::size_t> const& members) {
  enum class State { outside, ahead, walked, unreachable };
  std::vector<State> state(graph.size(), State::outside);
  std::vector<std::uint64_t> refs(graph.size(), 0);
  for (std::size_t const each : members) {
    state[each] = State::ahead;
    refs[each] = MarkedCount::value(graph[each]->count);
  }
  for (std::size_t const each : members) {
    graph.for_each_child(each, [&](std::size_t child) {
      if (state[child] == State::ahead) --refs[child];
    });
  }
  std::list<std::size_t> list(members.begin(), members.end()), unreachable;
  std::vector<std::list<std::size_t>::iterator> where(graph.size());
  for (auto at = list.begin(); at != list.end();) {
    std::size_t const each = *at;
    if (refs[each] == 0) {
      state[each] = State::unreachable;
      where[each] = unreachable.insert(unreachable.end(), each);
      at = list.erase(at);
      continue;
    }
    state[each] = State::walked;
    graph.for_each_child(each, [&](std::size_t child) {
      if (state[child] == State::unreachable) {
        unreachable.erase(where[child]);
        list.push_back(child);
        state[child] = State::ahead;
      }
      if (state[child] == State::ahead && refs[child] == 0) refs[child] = 1;
    });
    ++at;
  }
  Parts parts{{list.begin(), list.end()}, {unreachable.begin(), unreachable.end()}, 0};
  for (std::size_t const each : parts.dead) {
    graph.for_each_child(
        each, [&](std::size_t child) { parts.outward += state[child] != State::unreachable; });
  }
  return parts;
}

std::vector<std::size_t> indices(Graph const& graph, List const& list) {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i] != nullptr) result.push_back(graph.index_of(list[i]));
  }
  return result;
}

// `in_place`: what survives stays in the list that is parted, as in a full collection.
Parts as_done(Graph& graph, std::vector<std::size_t> const& members, bool in_place,
              std::uint64_t holes_of_seven) {
  List set, survivors, unreachable;
  for (std::size_t const each : members) set.append(graph[each], each % 2 == 0 ? young : middle);
  // Holes, as those leave that have died by count.
  std::vector<std::unique_ptr<Header>> gone;
  List holed;
  for (std::size_t i = 0; i < set.size(); ++i) {
    holed.append(set[i], set[i]->list);
    if (i % 7 >= holes_of_seven) continue;
    gone.push_back(std::make_unique<Header>());
    gone.back()->describe({0, 0});
    holed.append(gone.back().get(), young);
  }
  for (auto const& each : gone) holed.remove(each.get());
  std::uint8_t const number = in_place ? middle : old;
  auto const found = Finder::part(holed, young, middle, {in_place ? holed : survivors, number},
                                  {unreachable, dead});
  Parts parts{indices(graph, in_place ? holed : survivors), indices(graph, unreachable),
              found.outward};
  EXPECT_EQ(found.survivors, parts.living.size());
  for (std::size_t i = 0; i < parts.living.size(); ++i) {
    Header const* const header = graph[parts.living[i]];
    EXPECT_EQ(header->mark(), 0u);
    EXPECT_EQ(header->list, number);
    EXPECT_EQ(header->place, i);
  }
  for (std::size_t const each : parts.dead) {
    EXPECT_EQ(graph[each]->list, dead);
    EXPECT_EQ(unreachable[graph[each]->place], graph[each]);
  }
  return parts;
}

enum class Edges { near, anywhere, in_order };

// Most objects have few slots, some very many: those of a table name the objects behind it in
// order, or any. A part of the graph is not in the set, and some members are held from outside.
void compare(std::uint64_t seed, std::size_t objects, Edges edges, std::uint64_t held_of_thousand) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  std::vector<std::uint32_t> slots;
  for (std::size_t i = 0; i < objects; ++i) {
    bool const table = random.below(objects) < 3;
    slots.push_back(
        static_cast<std::uint32_t>(table ? random.between(33, 40 + objects) : random.below(5)));
  }
  Graph graph(slots);
  for (std::size_t i = 0; i < objects; ++i) {
    for (std::uint32_t s = 0; s < slots[i]; ++s) {
      std::size_t to = random.below(objects);
      if (random.below(5) == 0) continue;
      bool const table = slots[i] > 5;
      if (edges == Edges::in_order && table) to = (i + s + 1) % objects;
      if (edges != Edges::anywhere && !table) {
        to = (i + objects + random.below(9) - 4) % objects;
      }
      graph.link(i, s, to);
    }
  }
  std::vector<std::size_t> members;
  for (std::size_t i = 0; i < objects; ++i) {
    if (random.below(1000) < held_of_thousand) graph.hold(i);
    if (random.below(50) != 0) {
      members.push_back(i);
    } else {
      graph[i]->list = old;
    }
  }
  Parts const expected = as_told(graph, members);
  EXPECT_EQ(as_done(graph, members, seed % 2 == 0, seed % 3), expected);
}

TEST(CycleFinder, PartsSmallGraphsAsItIsTold) {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    auto const edges = static_cast<Edges>(seed % 3);
    compare(seed, 1 + seed % 90, edges, seed % 5 == 0 ? 0 : 3 * (seed % 60));
    if (HasFailure()) return;
  }
}

// Above the size at which it looks ahead, and over many blocks.
TEST(CycleFinder, PartsLargeGraphsAsItIsTold) {
  for (std::uint64_t seed = 1; seed <= 18; ++seed) {
    auto const edges = static_cast<Edges>(seed % 3);
    compare(1000 + seed, 9000 + 37 * seed, edges, std::array<std::uint64_t, 3>{0, 1, 30}[seed % 2]);
    if (HasFailure()) return;
  }
}

// A table that lives names all behind it, but the last first: nothing may die before it was heard.
TEST(CycleFinder, HearsATableBeforeItsChildrenDie) {
  for (bool const backwards : {false, true}) {
    constexpr std::uint32_t objects = 3000;
    std::vector<std::uint32_t> slots(objects, 1);
    slots[0] = objects - 1;
    Graph graph(slots);
    graph.hold(0);
    std::vector<std::size_t> members{0};
    for (std::uint32_t i = 1; i < objects; ++i) {
      graph.link(0, backwards ? objects - 1 - i : i - 1, i);
      members.push_back(i);
    }
    Parts const expected = as_told(graph, members);
    EXPECT_EQ(expected.living.size(), objects);
    EXPECT_EQ(as_done(graph, members, true, 0), expected);
  }
}

// What a table takes back comes before what a later object takes back.
TEST(CycleFinder, TakesBackInTheOrderOfTheWalk) {
  std::vector<std::uint32_t> slots(200, 1);
  slots[100] = 60;
  Graph graph(slots);
  graph.hold(100);
  graph.hold(101);
  graph.link(100, 0, 150);  // far ahead: the table waits before the slots behind this one
  graph.link(100, 1, 7);
  graph.link(101, 0, 3);
  std::vector<std::size_t> members;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (i != 100 && i != 101) graph.link(i, 0, i);
    members.push_back(i);
  }
  Parts const expected = as_told(graph, members);
  EXPECT_EQ(expected.living, (std::vector<std::size_t>{100, 101, 150, 7, 3}));
  EXPECT_EQ(as_done(graph, members, false, 0), expected);
}

}  // namespace
}  // namespace churn::collectors
