// What:  Ref and Local for collectors whose slots are plain words: a Ref is the address of the
//        object's first slot; whatever header a collector keeps lies before it, the payload after
//        the slots.
// Why:   with the header at negative offsets, slot i is at 8 * i for every collector, and a
//        collector without a header needs none.
// When not: slots that are not plain words (std::shared_ptr) bring their own Ref and Local.
// Cost:  none: one word each, everything folds away.
#pragma once

#include <cstddef>
#include <cstdint>

#include "harness/core/contracts.hpp"

namespace churn::collectors {

using Word = std::uintptr_t;

class Ref {
 public:
  constexpr Ref() noexcept = default;
  explicit Ref(void* slots) noexcept : slots_(static_cast<Word*>(slots)) {}

  explicit constexpr operator bool() const noexcept { return slots_ != nullptr; }
  friend constexpr bool operator==(Ref, Ref) noexcept = default;

  Word* slots() const noexcept { return slots_; }
  Word* slot(std::uint32_t index) const noexcept { return slots_ + index; }
  std::byte* payload(Shape shape) const noexcept {
    return reinterpret_cast<std::byte*>(slots_ + shape.slots);
  }

  // What a slot holds, and back.
  Word word() const noexcept { return reinterpret_cast<Word>(slots_); }
  static Ref of(Word word) noexcept { return Ref(reinterpret_cast<void*>(word)); }

 private:
  Word* slots_ = nullptr;
};

template <class M, std::size_t n>
class Frame;
template <class M>
class Root;
template <class Heap, class L>
class Global;
template <class Heap>
class HeapMutator;
class LocalAccess;
template <class M, std::size_t n>
class TracedFrame;
template <class M>
class TracedRoot;
template <class Heap>
class TracedGlobal;

// Ownership is given and taken by the mutator alone.
class Local {
 public:
  Local(Local const&) = delete;
  Local& operator=(Local const&) = delete;
  Ref get() const noexcept { return ref_; }

 private:
  template <class, std::size_t>
  friend class Frame;
  template <class>
  friend class Root;
  template <class, class>
  friend class Global;
  template <class>
  friend class HeapMutator;
  friend LocalAccess;
  template <class, std::size_t>
  friend class TracedFrame;
  template <class>
  friend class TracedRoot;
  template <class>
  friend class TracedGlobal;

  Local() noexcept = default;
  ~Local() = default;

  Ref release() noexcept {
    Ref const ref = ref_;
    ref_ = Ref();
    return ref;
  }
  Ref exchange(Ref ref) noexcept {
    Ref const old = ref_;
    ref_ = ref;
    return old;
  }

  Ref ref_;
};

// For mutators other than HeapMutator, and for collectors that visit locals or move what they name.
class LocalAccess {
 public:
  static Ref release(Local& local) noexcept { return local.release(); }
  static Ref exchange(Local& local, Ref ref) noexcept { return local.exchange(ref); }
  static Ref& ref(Local& local) noexcept { return local.ref_; }
};

}  // namespace churn::collectors
