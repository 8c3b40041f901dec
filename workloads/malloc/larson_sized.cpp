// larson in C++: operator new, and the operator delete that is told the size, which saves an
// allocator the search for it. The shape is told in parts/larson.hpp.
#include <memory>
#include <new>

#include "harness/core/let_go.hpp"
#include "workloads/parts/larson.hpp"

namespace churn::larson_sized {

extern MallocWorkload const workload;

namespace {

constexpr WorkloadInfo info{
    .name = "larson-sized",
    .summary = "larson by operator new and sized operator delete",
    .source = larson::source,
    .op = larson::op,
    .parameters = larson::parameters,
    .min_threads = 1,
    .max_threads = 64,
};

// The functions, not new-expressions: those a compiler may leave out.
struct Sized {
  CHURN_ALWAYS_INLINE static Block make(std::size_t bytes, std::uint64_t stamp) noexcept {
    auto* const start = static_cast<std::byte*>(::operator new(bytes, std::nothrow));
    if (__builtin_expect(start == nullptr, 0)) refused(bytes);
    return Block::stamped(start, bytes, stamp);
  }
  CHURN_ALWAYS_INLINE static void free(Block block) noexcept {
    ::operator delete(block.start, block.bytes);
  }
  // What malloc's family gives, free takes in every allocator here.
  static void let_go(Block block) noexcept {
    if (keep_one_of == 0) return free(block);
    churn::let_go(block.start);
  }
};

std::unique_ptr<Instance> make(WorkloadContext const& context) {
  return std::make_unique<larson::Larson<Sized>>(context, info.name);
}

}  // namespace

MallocWorkload const workload{&info, make};

}  // namespace churn::larson_sized
