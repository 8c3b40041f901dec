#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include "workloads/fork_join/pool.hpp"

namespace churn::fork_join {

struct Pool {
  explicit Pool(std::uint32_t threads)
      : arena(static_cast<int>(threads), /*reserved_for_masters=*/threads) {}
  tbb::task_arena arena;
};

namespace {

Pool* make(std::uint32_t threads) { return new Pool(threads); }
void destroy(Pool* pool) { delete pool; }
void enter(Pool* pool, Call call, void* argument) {
  pool->arena.execute([=] { call(argument); });
}
void fork(Call call, void* first, void* second) {
  tbb::task_group group;
  group.run([=] { call(first); });
  call(second);
  group.wait();
}

}  // namespace
}  // namespace churn::fork_join

extern "C" __attribute__((
    visibility("default"))) churn::fork_join::Functions const churn_fork_join_functions{
    churn::fork_join::make, churn::fork_join::destroy, churn::fork_join::enter,
    churn::fork_join::fork};
