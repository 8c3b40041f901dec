// What:  a heap as it is in a program that has run for a while: each thread makes some thousands of
//        blocks of all sizes and frees them in random order, all but one in ten, which stay.
// Why:   in a fresh process blocks lie in the order of their making, and neighbours in time are
//        neighbours in memory. Programs rarely have it so good; an allocator whose heap is strewn
//        with holes hands out scattered blocks, and must search for large ones.
// When:  before the start line of memory: what lies there is no part of a cell's own figures, but
//        its holes are filled first, so that a blow-up may be below 1.
// Source: the littering with which E. Berger and others precondition heaps:
//        fill, shuffle, free most.
// Cost:  some 10 ms a thread. Thread-safety: each thread strews its own.
#pragma once

#include <cstdint>

namespace churn::cell {

// NULL from malloc is the outcome out-of-memory.
void strew_litter(std::uint64_t seed, std::uint32_t thread);

}  // namespace churn::cell
