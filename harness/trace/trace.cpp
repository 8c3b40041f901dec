#include "harness/trace/trace.hpp"

namespace churn::trace {

std::optional<Event> EventReader::next() {
  if (at_ >= words_.size()) return std::nullopt;
  std::uint64_t const word = words_[at_], value = value_of(word);
  Event event;
  std::size_t length = 1;
  event.kind = static_cast<Kind>(word & ((1u << kind_bits) - 1));
  switch (event.kind) {
    case Kind::malloc:
    case Kind::calloc:
      event.bytes = value;
      break;
    case Kind::aligned:
      event.bytes = value & ((std::uint64_t{1} << aligned_size_bits) - 1);
      event.log2_align = static_cast<unsigned>(value >> aligned_size_bits);
      break;
    case Kind::realloc:
      length = 2;
      if (words_.size() - at_ < length || words_[at_ + 1] == 0) return std::nullopt;
      event.name = value;
      event.bytes = words_[at_ + 1] - 1;
      break;
    case Kind::free:
    case Kind::usable:
      event.name = value;
      break;
    case Kind::time:
      event.time_ns = value;
      break;
    case Kind::stack:
      if (value == 0 || value > most_frames || words_.size() - at_ <= value) return std::nullopt;
      length = 1 + value;
      event.frames = words_.subspan(at_ + 1, value);
      break;
    default:
      return std::nullopt;
  }
  if (event.name >> name_bits != 0) return std::nullopt;
  at_ += length;
  return event;
}

std::uint64_t calls_of(std::span<std::uint64_t const> words) {
  EventReader reader(words);
  std::uint64_t calls = 0;
  while (auto const event = reader.next()) {
    calls += event->kind != Kind::time && event->kind != Kind::stack;
  }
  return calls;
}

}  // namespace churn::trace
