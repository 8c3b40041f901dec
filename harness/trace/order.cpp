#include "harness/trace/order.hpp"

#include <optional>
#include <queue>
#include <unordered_map>

#include "harness/core/error.hpp"

namespace churn::trace {
namespace {

enum class Life : std::uint8_t { not_yet, live, ended };

// Where one thread has got to.
struct Cursor {
  EventReader reader;
  std::uint32_t thread;
  std::uint32_t first_block, blocks;
  std::uint32_t made = 0;
  std::uint64_t time_ns = 0;
  std::optional<Event> next = {};
  std::span<std::uint64_t const> frames = {};
};

class Order {
 public:
  Order(Trace const& trace, std::uint32_t process, std::function<void(Call const&)> const& take)
      : take_(take), cursor_of_(trace.threads.size(), nobody) {
    std::uint64_t blocks = 0;
    for (std::size_t i = 0; i < trace.threads.size(); ++i) {
      Thread const& thread = trace.threads[i];
      if (thread.process != process || thread.words.empty()) continue;
      EventReader counting(thread.words);
      std::uint64_t made = 0;
      while (auto const event = counting.next()) made += event->makes_block();
      if (blocks + made >= no_block - 1) {
        throw UserError(trace.source + " has more blocks than a replay can hold (4294967294)");
      }
      cursor_of_[i] = static_cast<std::uint32_t>(cursors_.size());
      cursors_.push_back({EventReader(thread.words), static_cast<std::uint32_t>(i),
                          static_cast<std::uint32_t>(blocks), static_cast<std::uint32_t>(made)});
      blocks += made;
    }
    result_.blocks = static_cast<std::uint32_t>(blocks);
    lives_.assign(blocks, Life::not_yet);
  }

  Ordered run() {
    for (std::uint32_t i = 0; i < cursors_.size(); ++i) {
      if (advance(cursors_[i])) ready_.push({cursors_[i].time_ns, i});
    }
    while (!ready_.empty() || release_somebody()) {
      std::uint32_t const each = ready_.top().second;
      ready_.pop();
      std::uint64_t const until_ns = ready_.empty() ? ~std::uint64_t{0} : ready_.top().first;
      if (run_until(each, until_ns)) ready_.push({cursors_[each].time_ns, each});
    }
    return result_;
  }

 private:
  static constexpr std::uint32_t nobody = ~std::uint32_t{0};

  // To the next call. False: there is none.
  static bool advance(Cursor& cursor) {
    cursor.frames = {};
    while ((cursor.next = cursor.reader.next())) {
      if (cursor.next->kind == Kind::time) {
        cursor.time_ns = std::max(cursor.time_ns, cursor.next->time_ns);
      } else if (cursor.next->kind == Kind::stack) {
        cursor.frames = cursor.next->frames;
      } else {
        return true;
      }
    }
    return false;
  }

  // False: it has ended, or waits for another thread.
  bool run_until(std::uint32_t index, std::uint64_t until_ns) {
    Cursor& cursor = cursors_[index];
    do {
      Event const& event = *cursor.next;
      std::uint32_t const named =
          event.ends_block() || event.kind == Kind::usable ? block_of(event.name) : no_block;
      if (named != no_block && lives_[named] == Life::not_yet && !giving_up_) {
        waiting_[named].push_back(index);
        return false;
      }
      giving_up_ = false;
      call(cursor, event, named);
      if (!advance(cursor)) return false;
    } while (cursor.time_ns <= until_ns);
    return true;
  }

  void call(Cursor& cursor, Event const& event, std::uint32_t named) {
    bool const has_name = event.ends_block() || event.kind == Kind::usable;
    bool const sound = named != no_block && lives_[named] == Life::live;
    Call call{cursor.thread, named, no_block, event, cursor.frames};
    if (event.makes_block()) {
      call.block = cursor.first_block + cursor.made++;
      call.old_block = named;
      if (has_name && !sound) {  // a realloc of what we do not know makes a block all the same
        ++result_.left_out;
        call.event.kind = Kind::malloc;
        call.old_block = no_block;
      }
    } else if (!sound) {
      ++result_.left_out;
      return;
    }
    if (event.ends_block() && sound) lives_[named] = Life::ended;
    ++result_.calls;
    take_(call);
    if (event.makes_block()) born(call.block);
  }

  void born(std::uint32_t block) {
    lives_[block] = Life::live;
    if (waiting_.empty()) return;
    auto const found = waiting_.find(block);
    if (found == waiting_.end()) return;
    for (std::uint32_t const each : found->second) ready_.push({cursors_[each].time_ns, each});
    waiting_.erase(found);
  }

  // In a damaged trace threads can wait for each other in a ring: one call is given up.
  bool release_somebody() {
    if (waiting_.empty()) return false;
    auto const found = waiting_.begin();
    for (std::uint32_t const each : found->second) ready_.push({cursors_[each].time_ns, each});
    waiting_.erase(found);
    giving_up_ = true;
    return true;
  }

  std::uint32_t block_of(std::uint64_t name) const {
    std::uint32_t const thread = thread_of(name);
    if (thread >= cursor_of_.size() || cursor_of_[thread] == nobody) return no_block;
    Cursor const& maker = cursors_[cursor_of_[thread]];
    if (sequence_of(name) >= maker.blocks) return no_block;
    return maker.first_block + static_cast<std::uint32_t>(sequence_of(name));
  }

  using Ready = std::pair<std::uint64_t, std::uint32_t>;  // time, cursor

  std::function<void(Call const&)> const& take_;
  std::vector<std::uint32_t> cursor_of_;  // by thread
  std::vector<Cursor> cursors_;
  std::vector<Life> lives_;  // by block
  std::priority_queue<Ready, std::vector<Ready>, std::greater<>> ready_;
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> waiting_;  // block -> cursors
  bool giving_up_ = false;
  Ordered result_;
};

}  // namespace

Ordered in_order(Trace const& trace, std::uint32_t process,
                 std::function<void(Call const&)> const& take) {
  return Order(trace, process, take).run();
}

}  // namespace churn::trace
