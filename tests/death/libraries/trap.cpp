// An illegal instruction, as from a failed check inside an allocator.
#include "sabotage.hpp"

void* sabotage::strike() noexcept { __builtin_trap(); }
