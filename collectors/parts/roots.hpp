// What:  Frame, Root and Global: what holds Locals, and, where a heap must find its roots, the list
//        of them.
// Why:   a counting collector never looks for roots, so in ordinary builds nothing is linked;
//        builds with CHURN_VERIFYING link all of them, so that verify() can count every reference
//        there is.
// Invariants: a Frame lies on the machine stack and dies last in, first out; a mutator detaches
//        without frames and roots.
// Cost:  none where not linked; else a locked list insertion and removal for each.
#pragma once

#include <array>
#include <cstddef>
#include <mutex>

#include "harness/core/check.hpp"

namespace churn::collectors {

template <class L, bool linked = CHURN_VERIFYING != 0>
class RootList;

// One run of Locals in the list, while it lives.
template <class L, bool linked = CHURN_VERIFYING != 0>
class RootLink;

template <class L>
class RootList<L, false> {
 public:
  void expect_none_of(void const*) const noexcept {}
};
template <class L>
class RootLink<L, false> {
 protected:
  RootLink(RootList<L, false>&, void const*, L*, std::size_t) noexcept {}
};

template <class L>
class RootList<L, true> {
 public:
  // A mutator that detaches must have dropped its roots.
  void expect_none_of(void const* owner) {
    std::lock_guard const lock(mutex_);
    for (auto const* link = first_; link != nullptr; link = link->next_) {
      bool const detaches_with_live_roots = link->owner_ == owner;
      CHURN_CHECK(!detaches_with_live_roots);
    }
  }
  template <class Visit>
  void for_each(Visit visit) {
    std::lock_guard const lock(mutex_);
    for (auto const* link = first_; link != nullptr; link = link->next_) {
      for (std::size_t i = 0; i < link->count_; ++i) visit(link->locals_[i]);
    }
  }

 private:
  friend RootLink<L, true>;
  std::mutex mutex_;
  RootLink<L, true>* first_ = nullptr;
};

template <class L>
class RootLink<L, true> {
 protected:
  RootLink(RootList<L, true>& list, void const* owner, L* locals, std::size_t count)
      : list_(list), owner_(owner), locals_(locals), count_(count) {
    std::lock_guard const lock(list_.mutex_);
    next_ = list_.first_;
    if (next_ != nullptr) next_->previous_ = this;
    list_.first_ = this;
  }
  ~RootLink() {
    std::lock_guard const lock(list_.mutex_);
    if (next_ != nullptr) next_->previous_ = previous_;
    (previous_ != nullptr ? previous_->next_ : list_.first_) = next_;
  }
  RootLink(RootLink const&) = delete;
  RootLink& operator=(RootLink const&) = delete;

 private:
  friend RootList<L, true>;
  RootList<L, true>& list_;
  void const* const owner_;
  L* const locals_;
  std::size_t const count_;
  RootLink* previous_ = nullptr;
  RootLink* next_ = nullptr;
};

template <class M, std::size_t n>
class Frame : private RootLink<typename M::Local> {
  using L = typename M::Local;

 public:
  explicit Frame(M& mutator)
      : RootLink<L>(mutator.root_list(), &mutator, locals_, n), mutator_(mutator) {}
  ~Frame() {
    for (L& local : locals_) mutator_.clear(local);
  }
  Frame(Frame const&) = delete;
  Frame& operator=(Frame const&) = delete;

  L& operator[](std::size_t index) noexcept { return locals_[index]; }

 private:
  M& mutator_;
  L locals_[n];
};

template <class M>
class Root : private RootLink<typename M::Local> {
  using L = typename M::Local;

 public:
  explicit Root(M& mutator)
      : RootLink<L>(mutator.root_list(), &mutator, &local_, 1), mutator_(mutator) {}
  ~Root() { mutator_.clear(local_); }
  Root(Root const&) = delete;
  Root& operator=(Root const&) = delete;

  L& operator*() noexcept { return local_; }

 private:
  M& mutator_;
  L local_;
};

// The heap drops what a Global holds, since no mutator may be left: Heap::drop_global(L&).
template <class Heap, class L>
class Global : private RootLink<L> {
 public:
  explicit Global(Heap& heap) : RootLink<L>(heap.root_list(), nullptr, &local_, 1), heap_(heap) {}
  ~Global() { heap_.drop_global(local_.get()); }
  Global(Global const&) = delete;
  Global& operator=(Global const&) = delete;

  L& operator*() noexcept { return local_; }

 private:
  Heap& heap_;
  L local_;
};

}  // namespace churn::collectors
