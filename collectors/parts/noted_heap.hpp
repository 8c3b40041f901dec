// What:  weak references and watched deaths over a counting heap: what its mutator asks for, and
//        the one question that its drops ask.
// Why:   every heap that counts does this alike; where the bit stands that says "noted", and what a
//        new reference must do, is the policy's (parts/counted_deaths.hpp).
// How:   a derived heap's lose() and reclaim ask lets_go(header) where a count has reached zero.
// Cost:  a test of the header for each death by count.
// Thread-safety: as the heap below; `shared` where its counts are.
#pragma once

#include "collectors/parts/counted_deaths.hpp"
#include "collectors/parts/reference.hpp"

namespace churn::collectors {

// The bit stands in the count itself.
template <class Header, class Count>
struct NotesInCount {
  static void note(Header* header) noexcept { Count::note(header->count); }
  static bool noted(Header* header) noexcept { return Count::noted(header->count); }
  static bool retain_living(Header* header) noexcept { return Count::retain_living(header->count); }
  static void revive(Header* header) noexcept { Count::revive(header->count); }
};

template <class Base, class Header, class Notes, bool shared>
class NotedHeap : public Base {
 public:
  using Base::Base;
  using Deaths = CountedDeaths<Header, Notes, shared>;
  using Weak = Deaths::Weak;

  Deaths& deaths() noexcept { return deaths_; }
  void weaken(Weak& weak, Ref object) {
    deaths_.weaken(weak, object ? Base::header_of(object) : nullptr);
  }
  Ref strengthen(Weak& weak) noexcept { return owned(deaths_.strengthen(weak)); }
  void watch(Ref object, std::uint64_t tag) { deaths_.watch(Base::header_of(object), tag); }
  Ref next_dead(std::uint64_t& tag) noexcept { return owned(deaths_.next_dead(tag)); }

 protected:
  static Ref owned(Header* header) noexcept {
    return header == nullptr ? Ref() : Base::reference_to(header);
  }
  // Its count has reached zero. False: it is watched, and has a reference again.
  CHURN_ALWAYS_INLINE bool lets_go(Header* header) {
    if (Notes::noted(header)) [[unlikely]] {
      return deaths_.dies(header);
    }
    return true;
  }
  // Hook of the base: the list of the ready holds one reference.
  bool kept_apart(Header const* header) noexcept { return deaths_.is_ready(header); }

  Deaths deaths_;
};

}  // namespace churn::collectors
