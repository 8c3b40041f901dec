// A deadlock: nobody will ever wake this thread.
#include <unistd.h>

#include "sabotage.hpp"

void* sabotage::strike() noexcept {
  for (;;) pause();
}
