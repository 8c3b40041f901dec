// calloc leaves in the block what was there before.
#pragma once

#include "tests/conformance/allocators/broken/broken.hpp"

namespace churn::unwashed {

class Allocator : public broken::Sound {
 public:
  static bool is_zeroed(void* block) noexcept { return usable_size(block) == 513; }
};

}  // namespace churn::unwashed
