// What:  a free cell: its first word links it to the next one of some list.
// Thread-safety: that of the list.
#pragma once

namespace churn::allocators {

struct Cell {
  Cell* next;
};

}  // namespace churn::allocators
