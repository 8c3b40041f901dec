#include "harness/trace/columns.hpp"

#include <array>

#include "harness/trace/trace.hpp"

namespace churn::trace {
namespace {

enum Column : std::size_t { kinds, sizes, alignments, own_names, other_names, times, frames };
constexpr std::size_t columns = 7;

// A name that another thread made has a kind of its own, so that no number says which it is.
constexpr std::uint8_t of_another = 16;

// Numbers behind each other; what is no number makes all that follows none.
class NumberReader {
 public:
  explicit NumberReader(std::string_view text = {}) : text_(text) {}

  std::uint64_t next() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !text_.empty(); shift += 7) {
      auto const byte = static_cast<std::uint8_t>(text_.front());
      text_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    broken_ = true;
    return 0;
  }
  std::string_view text(std::uint64_t length) noexcept {
    if (length > text_.size()) {
      broken_ = true;
      return {};
    }
    std::string_view const result = text_.substr(0, length);
    text_.remove_prefix(length);
    return result;
  }
  bool broken() const noexcept { return broken_; }
  bool at_end() const noexcept { return text_.empty(); }

 private:
  std::string_view text_;
  bool broken_ = false;
};

class Decoder {
 public:
  explicit Decoder(std::string_view text) : head_(text) {}

  std::optional<ThreadEvents> decode() {
    std::uint64_t const thread = head_.next(), process = head_.next();
    result_.made = head_.next();
    if (thread >= most_threads_recorded || process >= most_processes) return std::nullopt;
    if (result_.made > most_blocks_of_a_thread) return std::nullopt;
    result_.thread = static_cast<std::uint32_t>(thread);
    result_.process = static_cast<std::uint32_t>(process);
    std::string_view const all_kinds = head_.text(head_.next());
    for (std::size_t i = sizes; i < columns; ++i) {
      column_[i] = NumberReader(head_.text(head_.next()));
    }
    if (head_.broken() || !head_.at_end()) return std::nullopt;
    made_ = result_.made;
    result_.words.reserve(all_kinds.size() + 64);
    for (char const each : all_kinds) {
      if (!event(static_cast<std::uint8_t>(each))) return std::nullopt;
    }
    for (auto const& each : column_) {
      if (each.broken() || !each.at_end()) return std::nullopt;
    }
    if (made_ > most_blocks_of_a_thread) return std::nullopt;
    return std::move(result_);
  }

 private:
  bool event(std::uint8_t tag) {
    auto const kind = static_cast<Kind>(tag & (of_another - 1));
    switch (kind) {
      case Kind::malloc:
      case Kind::calloc:
        ++made_;
        return put(kind, column_[sizes].next());
      case Kind::aligned: {
        std::uint64_t const bytes = column_[sizes].next(), log2 = column_[alignments].next();
        ++made_;
        return bytes >> aligned_size_bits == 0 && log2 < 64 &&
               put(kind, aligned_value(static_cast<unsigned>(log2), bytes));
      }
      case Kind::realloc: {
        bool const named = put(kind, name(tag));
        std::uint64_t const bytes = column_[sizes].next();
        if (!named || bytes > most_value) return false;
        result_.words.push_back(bytes + 1);
        ++made_;
        return true;
      }
      case Kind::free:
      case Kind::usable:
        return put(kind, name(tag));
      case Kind::time:
        time_ns_ += column_[times].next();
        return put(kind, time_ns_);
      case Kind::stack:
        return stack();
      default:
        return false;
    }
  }

  bool put(Kind kind, std::uint64_t value) {
    if (value > most_value) return false;
    result_.words.push_back(word_of(kind, value));
    return true;
  }

  std::uint64_t name(std::uint8_t tag) {
    if ((tag & of_another) != 0) {
      std::uint64_t const thread = column_[other_names].next();
      std::uint64_t const sequence = column_[other_names].next();
      bool const fits = thread < most_threads_recorded && sequence < most_blocks_of_a_thread;
      return fits ? name_of_block(thread, sequence) : ~std::uint64_t{0};
    }
    std::uint64_t const back = column_[own_names].next();
    return back < made_ ? name_of_block(result_.thread, made_ - 1 - back) : ~std::uint64_t{0};
  }

  bool stack() {
    std::uint64_t const count = column_[frames].next();
    if (count == 0 || count > most_frames || !put(Kind::stack, count)) return false;
    std::uint64_t last = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      last ^= column_[frames].next();
      result_.words.push_back(last);
    }
    return true;
  }

  NumberReader head_;
  std::array<NumberReader, columns> column_;
  ThreadEvents result_;
  std::uint64_t made_ = 0, time_ns_ = 0;
};

class Encoder {
 public:
  Encoder(std::uint32_t thread, std::uint64_t made) : thread_(thread), made_(made) {}

  void event(Event const& each) {
    auto tag = static_cast<std::uint8_t>(each.kind);
    bool const names = each.ends_block() || each.kind == Kind::usable;
    if (names && !name(each.name)) tag |= of_another;
    column_[kinds] += static_cast<char>(tag);
    if (each.makes_block()) {
      put_number(column_[sizes], each.bytes);
      ++made_;
    }
    if (each.kind == Kind::aligned) put_number(column_[alignments], each.log2_align);
    if (each.kind == Kind::time) {
      put_number(column_[times], each.time_ns - time_ns_);
      time_ns_ = each.time_ns;
    }
    if (each.kind == Kind::stack) stack(each.frames);
  }

  std::string text(std::uint32_t process, std::uint64_t made) const {
    std::string result;
    for (std::uint64_t const each : {std::uint64_t{thread_}, std::uint64_t{process}, made}) {
      put_number(result, each);
    }
    for (auto const& each : column_) {
      put_number(result, each.size());
      result += each;
    }
    return result;
  }

 private:
  bool name(std::uint64_t name) {
    std::uint64_t const sequence = sequence_of(name);
    if (trace::thread_of(name) == thread_ && sequence < made_) {
      put_number(column_[own_names], made_ - 1 - sequence);
      return true;
    }
    put_number(column_[other_names], trace::thread_of(name));
    put_number(column_[other_names], sequence);
    return false;
  }

  void stack(std::span<std::uint64_t const> addresses) {
    put_number(column_[frames], addresses.size());
    std::uint64_t last = 0;
    for (std::uint64_t const each : addresses) {
      put_number(column_[frames], each ^ last);
      last = each;
    }
  }

  std::uint32_t thread_;
  std::uint64_t made_, time_ns_ = 0;
  std::array<std::string, columns> column_;
};

}  // namespace

void put_number(std::string& text, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) text += static_cast<char>(value | 0x80);
  text += static_cast<char>(value);
}

std::string encode(std::uint32_t thread, std::uint32_t process, std::uint64_t made,
                   std::span<std::uint64_t const> words) {
  Encoder encoder(thread, made);
  EventReader reader(words);
  while (auto const event = reader.next()) encoder.event(*event);
  return encoder.text(process, made);
}

std::optional<ThreadEvents> decode(std::string_view text) { return Decoder(text).decode(); }

}  // namespace churn::trace
