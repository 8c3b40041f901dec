// No memory, from here on.
#include "sabotage.hpp"

void* sabotage::strike() noexcept {
  errno = ENOMEM;
  return nullptr;
}
