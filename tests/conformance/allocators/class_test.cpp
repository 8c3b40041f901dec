// Every in-project allocator through its class: no preload, so that sanitizers can look on.
#include <cstdarg>
#include <stdexcept>
#include <string>

#include "allocators/count.hpp"
#include "allocators/family.hpp"
#include "harness/conform/malloc_properties.hpp"
#include "own_allocators.hpp"

namespace churn::conform {

// In the thread of a test the exception fails it; in another thread it ends the program with the
// text.
void fail(char const* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  throw std::runtime_error(text);
}

}  // namespace churn::conform

namespace churn::tests {
namespace {

template <class A>
conform::Malloc const& malloc_of() {
  using Family = allocators::Family<A>;
  static constexpr conform::Malloc table{
      [](std::size_t size) { return Family::malloc(size); },
      [](void* block) { Family::free(block); },
      [](std::size_t count, std::size_t size) { return Family::calloc(count, size); },
      [](void* block, std::size_t size) { return Family::realloc(block, size); },
      [](void* block, std::size_t count, std::size_t size) {
        return Family::reallocarray(block, count, size);
      },
      [](void** result, std::size_t align, std::size_t size) {
        return Family::posix_memalign(result, align, size);
      },
      [](std::size_t align, std::size_t size) { return Family::memalign(align, size); },
      [](std::size_t align, std::size_t size) { return Family::memalign(align, size); },
      [](std::size_t size) { return Family::valloc(size); },
      [](std::size_t size) { return Family::pvalloc(size); },
      [](void* block) { return Family::usable_size(block); },
      [] { A::thread_exit(); },
  };
  return table;
}

template <class A>
class AllocatorClass : public ::testing::Test {};
TYPED_TEST_SUITE(AllocatorClass, OwnAllocators);

TYPED_TEST(AllocatorClass, KeepsThePropertiesOfBlocks) {
  for (auto const& property : conform::block_properties()) {
    if (!TypeParam::reuses && std::string_view(property.name) == "reuse") continue;
    SCOPED_TRACE(property.name);
    EXPECT_NO_THROW(property.check(malloc_of<TypeParam>())) << property.promise;
  }
}

TYPED_TEST(AllocatorClass, KeepsThePropertiesOfThreads) {
  for (auto const& property : conform::thread_properties()) {
    SCOPED_TRACE(property.name);
    EXPECT_NO_THROW(property.check(malloc_of<TypeParam>())) << property.promise;
  }
}

TYPED_TEST(AllocatorClass, SaysWhatItIs) {
  EXPECT_NE(TypeParam::summary, "");
  for (ParameterInfo const& each : TypeParam::parameters) {
    EXPECT_LE(each.minimum, each.standard) << each.name;
    EXPECT_LE(each.standard, each.maximum) << each.name;
    EXPECT_NE(each.summary, "") << each.name;
  }
}

using Counted = allocators::Family<count::Allocator>;

TEST(Count, CountsRequestedBytesAndTheirPeak) {
  void* const before = Counted::malloc(1000);
  count::Allocator::reset();
  void* const small = Counted::malloc(100);
  void* const large = Counted::calloc(30, 100);
  Counted::free(large);
  void* const aligned = Counted::memalign(4096, 50);
  AllocationCount const now = count::Allocator::read();
  EXPECT_EQ(now.peak_live_bytes, 3100u);
  EXPECT_EQ(now.total_bytes, 3150u);
  EXPECT_EQ(now.calls, 3u);
  Counted::free(small);
  Counted::free(aligned);
  Counted::free(before);
  EXPECT_EQ(count::Allocator::read().peak_live_bytes, 3100u);
}

TEST(Count, SeesReallocAsOneBlockThatChangesItsSize) {
  count::Allocator::reset();
  void* block = Counted::malloc(5000);
  block = Counted::realloc(block, 6000);
  AllocationCount const now = count::Allocator::read();
  EXPECT_EQ(now.peak_live_bytes, 6000u);
  EXPECT_EQ(now.total_bytes, 11'000u);
  EXPECT_EQ(now.calls, 2u);
  Counted::free(block);
}

TEST(Count, WhatWasLiveBeforeIsTheZeroLine) {
  void* const before = Counted::malloc(10'000);
  count::Allocator::reset();
  Counted::free(before);
  void* const small = Counted::malloc(100);
  EXPECT_EQ(count::Allocator::read().peak_live_bytes, 0u);
  Counted::free(small);
}

}  // namespace
}  // namespace churn::tests
