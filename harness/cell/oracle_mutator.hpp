// What:  the mutator of a collector whose objects the workload releases, and a count of what is
//        alive: what was allocated and has not been released.
// Why:   the oracle for floating garbage. What is alive after a given number of units follows from
//        the workload and the seed alone, so one program can say it for all collectors: what they
//        hold beyond it at the same moment is dead.
// When not: anything timed.
// Cost:  two additions an operation. Thread-safety: a mutator belongs to its thread; the counts of
//        one that is blocked may be read.
#pragma once

#include <cstdint>

#include "harness/core/contracts.hpp"
#include "harness/core/workload.hpp"

namespace churn::cell {

template <class M>
  requires Releases<M>
class OracleMutator : public M {
 public:
  using M::M;

  void allocate(typename M::Local& local, Shape shape) {
    M::allocate(local, shape);
    ++objects_;
    bytes_ += requested_bytes(shape);
  }
  // An object may die in the hands of another mutator than made it: only the sum over all mutators
  // is what lives, and a single count may wrap.
  void release(typename M::Ref object, Shape shape) noexcept {
    M::release(object, shape);
    --objects_;
    bytes_ -= requested_bytes(shape);
  }

  Presence alive() const noexcept { return {objects_, bytes_}; }

 private:
  std::uint64_t objects_ = 0, bytes_ = 0;
};

}  // namespace churn::cell
