// What:  the free cells of one thread, a list for each class, and what it has to send to others.
// Why:   a cell that its thread frees is the next one that it gets: no lock, no atomics, and it is
//        still in the processor's cache.
// How memory goes back: a list that has grown beyond its limit is gone through; a span whose cells
//        are all in it leaves it. Limits follow what is left, so that going through costs a free
//        call two looks at a cell on average.
// A cell of another thread goes into a chain for its owner, and with the whole chain onto the
// owner's list (remote_list.hpp). The owner empties that when it runs out of cells.
// A cache outlives its thread: it waits, with the spans that are still in use, for the next one.
// Cost:  2–3 ns for allocate and for a free of an own cell; a remote free 3–5 ns and its share of
//        a chain's exchange.
// Thread-safety: the thread whose cache it is; push_remote from any thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "allocators/parts/cell.hpp"
#include "allocators/parts/remote_list.hpp"
#include "allocators/parts/size_classes.hpp"
#include "allocators/parts/spans.hpp"

namespace churn::thread_cache {

using allocators::Cell;

class Cache {
 public:
  constexpr Cache() noexcept = default;
  Cache(Cache const&) = delete;
  Cache& operator=(Cache const&) = delete;

  // Null where this class has no cell at hand: then refill.
  void* try_allocate(std::uint32_t size_class) noexcept {
    Bin& bin = bins_[size_class];
    Cell* const cell = bin.free;
    if (cell == nullptr) return nullptr;
    bin.free = cell->next;
    --bin.count;
    return cell;
  }

  // Whether there is a cell of this class now. Without `may_map`, no chunk is mapped for it.
  bool refill(Spans& spans, std::uint32_t size_class, bool may_map) noexcept {
    send_all();
    take_back(spans);
    Bin& bin = bins_[size_class];
    if (bin.free != nullptr) return true;
    if (bin.fresh.begin == bin.fresh.end) bin.fresh = spans.take(this, size_class, may_map);
    if (bin.fresh.begin == nullptr) return false;
    carve(bin, allocators::bytes_of(size_class));
    return true;
  }

  // pre: the span is this cache's, and this is the thread's own cache.
  void deallocate(Spans& spans, Span const& span, Cell* cell) noexcept {
    Bin& bin = bins_[span.size_class];
    cell->next = bin.free;
    bin.free = cell;
    if (++bin.count > bin.limit) [[unlikely]]
      at_limit(spans, span.size_class);
  }

  // pre: the span is another's.
  void send(Span const& span, Cell* cell) noexcept {
    Chain& chain = chains_[span.owner->number % chains_.size()];
    if (chain.to != span.owner) [[unlikely]] {
      send(chain);
      chain.to = span.owner;
    }
    cell->next = chain.first;
    chain.first = cell;
    if (chain.count == 0) chain.last = cell;
    if (++chain.count >= longest_chain || span.cell_bytes > largest_waiting_bytes) [[unlikely]]
      send(chain);
  }

  void push_remote(Cell* first, Cell* last) noexcept { remote_.push(first, last); }

  // Sends what is others', takes back its own, and gives back what is free.
  void rest(Spans& spans) noexcept {
    send_all();
    take_back(spans);
    for (std::uint32_t i = 0; i < bins_.size(); ++i) shed(spans, i);
  }

  Cache* next_idle = nullptr;
  std::uint32_t number = 0;

 private:
  static constexpr std::uint32_t longest_chain = 32;
  static constexpr std::uint32_t largest_waiting_bytes = 1024;
  static constexpr std::uint32_t carved_bytes = 2048;      // at once
  static constexpr std::uint32_t kept_bytes = 256u << 10;  // free, before a list is gone through

  struct Bin {
    Cell* free = nullptr;
    std::uint32_t count = 0;  // of the cells in `free`
    std::uint32_t limit = 0;  // 0: not yet looked at
    Range fresh;              // what was never carved of this class's newest span
  };
  struct Chain {
    Cache* to = nullptr;
    Cell *first = nullptr, *last = nullptr;
    std::uint32_t count = 0;
  };

  static void carve(Bin& bin, std::uint32_t bytes) noexcept {
    auto const room = static_cast<std::uint32_t>(
        static_cast<std::size_t>(bin.fresh.end - bin.fresh.begin) / bytes);
    std::uint32_t const count = std::min(room, std::max(1u, carved_bytes / bytes));
    for (std::uint32_t i = count; i-- > 0;) {
      auto* const cell = reinterpret_cast<Cell*>(bin.fresh.begin + std::size_t{i} * bytes);
      cell->next = bin.free;
      bin.free = cell;
    }
    span_with(reinterpret_cast<Cell const*>(bin.fresh.begin)).carved += count;
    bin.fresh.begin += std::size_t{count} * bytes;
    bin.count += count;
  }

  static void send(Chain& chain) noexcept {
    if (chain.count != 0) chain.to->push_remote(chain.first, chain.last);
    chain = {};
  }
  void send_all() noexcept {
    for (Chain& chain : chains_) send(chain);
  }

  void take_back(Spans& spans) noexcept {
    for (Cell* cell = remote_.take_all(); cell != nullptr;) {
      Cell* const after = cell->next;
      deallocate(spans, span_of(allocators::chunk_of(cell), cell), cell);
      cell = after;
    }
  }

  [[gnu::noinline]] void at_limit(Spans& spans, std::uint32_t size_class) noexcept {
    Bin& bin = bins_[size_class];
    if (bin.limit == 0) {
      bin.limit = least_limit(size_class);
    } else {
      shed(spans, size_class);
    }
  }

  // Takes those spans out of a list whose cells are all in it.
  void shed(Spans& spans, std::uint32_t size_class) noexcept {
    Bin& bin = bins_[size_class];
    for (Cell* cell = bin.free; cell != nullptr; cell = cell->next) ++span_with(cell).seen;
    Span* leaving = nullptr;
    Cell** link = &bin.free;
    for (Cell* cell = bin.free; cell != nullptr; cell = cell->next) {
      Span& span = span_with(cell);
      if (span.seen == span.carved && !is_fresh(bin, cell)) {
        span.seen = Span::leaves;
        span.next = leaving;
        leaving = &span;
      }
      if (span.seen == Span::leaves) {
        --bin.count;
      } else {
        span.seen = 0;  // not all of them: no later cell of it will think so
        *link = cell;
        link = &cell->next;
      }
    }
    *link = nullptr;
    while (leaving != nullptr) {
      Span& span = *leaving;
      leaving = span.next;
      spans.give_back(span);
    }
    bin.limit = std::max(least_limit(size_class), bin.count + bin.count / 2);
  }

  static std::uint32_t least_limit(std::uint32_t size_class) noexcept {
    return std::max(16u, kept_bytes / allocators::bytes_of(size_class));
  }
  static Span& span_with(Cell const* cell) noexcept {
    allocators::Chunk* const chunk = allocators::chunk_of(cell);
    return first_of(chunk, span_of(chunk, cell));
  }
  // Whether there are cells in its span that were never carved.
  static bool is_fresh(Bin const& bin, Cell const* cell) noexcept {
    return bin.fresh.begin != bin.fresh.end &&
           &span_with(cell) == &span_with(reinterpret_cast<Cell const*>(bin.fresh.begin));
  }

  std::array<Bin, allocators::size_classes> bins_{};
  std::array<Chain, 8> chains_{};
  alignas(64) allocators::RemoteList remote_;
};

}  // namespace churn::thread_cache
