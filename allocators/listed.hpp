// What:  what an in-project allocator's header says of itself beside the Allocator contract, and
//        the abilities that it may have. override.cpp.in asks for an ability only where the class
//        has it.
// Why:   the header and its line in meson.build are all there is to write: library, catalogue
//        entry, `churn list` and tests are generated from them.
// Convention: allocators/NAME.hpp, '-' as '_', defines churn::NAME::Allocator.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "harness/core/contracts.hpp"
#include "harness/core/workload.hpp"

namespace churn::allocators {

template <class A>
concept ListedAllocator = Allocator<A> && requires {
  { A::summary } -> std::convertible_to<std::string_view>;  // one line
  { A::note } -> std::convertible_to<std::string_view>;     // for readers of a report, may be empty
  { A::reuses } -> std::convertible_to<bool>;               // false: runs only work that fits
  { A::parameters } -> std::convertible_to<std::span<ParameterInfo const>>;  // lower-case settings
};

// Called once per setting that was given, checked against its bounds, after libc's own start and
// before main; earlier requests were served with standard values. Not null: why it cannot be done.
template <class A>
concept Configurable = requires(std::string_view name, std::int64_t value) {
  { A::configure(name, value) } noexcept -> std::same_as<char const*>;
};

// The block is zero from its start to its usable size, so calloc need not write to it. Asked only
// of a block that allocate has just returned.
template <class A>
concept KnowsZeroed = requires(void* block) {
  { A::is_zeroed(block) } noexcept -> std::same_as<bool>;
};

// A new block of zeros, for a class that has a better way than to write them; at least 16 aligned.
template <class A>
concept Clears = requires(std::size_t size) {
  { A::allocate_zeroed(size) } noexcept -> std::same_as<void*>;
};

// Grows or shrinks a block, which may move with what it holds. Null: not done, the block is as
// before.
template <class A>
concept Resizes = requires(void* block, std::size_t size) {
  { A::resize(block, size) } noexcept -> std::same_as<void*>;
};

// Locks what a forked child needs in one piece; let go in parent and child.
template <class A>
concept LocksForFork = requires {
  { A::before_fork() } noexcept -> std::same_as<void>;
  { A::after_fork() } noexcept -> std::same_as<void>;
};

}  // namespace churn::allocators
