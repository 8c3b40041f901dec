// What:  a matrix as it is written: stars, and how long to measure. The matrices that come with
// churn and
//        a user's own TOML file are the same format.
// Format
//            summary  = "one line"            rounds = 3            seconds = 0.5 (timed, per
//            invocation) samples  = 20 (slices)           baseline = "glibc"    (allocator or
//            collector)
//            [[star]]
//            allocators = ["glibc", "jemalloc"]     collectors = ["refcount"]
//            workloads  = ["managed/cycle-churn{ring=2}"]
//            threads    = [1, 2]                    heap = "64Mi" (limit of a managed heap)
//            memory_life = true (of malloc cells: what stays resident after their work; 11 s each)
//        A star is the product of its axes; a matrix is a few small products, never one large one.
//        What is left out has its default. "*" stands for everything registered, so that a new
//        allocator or collector is measured without an edit here.
// Errors: UserError with file, line and, for a key that does not exist, the keys that do.
// Cost:  toml++ parses a page in well under a millisecond. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "results/store/records.hpp"

namespace churn::run {

inline constexpr std::string_view everything = "*";

// Bounds of what may be asked for; beyond them it is a slip, not a wish.
inline constexpr std::uint32_t most_rounds = 100'000, most_threads = 1024, most_samples = 10'000;
inline constexpr double least_seconds = 0.001, most_seconds = 3600;

// A range of names on one axis; empty: the default.
struct Star {
  std::vector<store::Named> allocators, collectors, workloads;
  std::vector<std::uint32_t> threads;
  std::uint64_t heap_limit_bytes = 0;  // 0: none
  bool memory_life = false;            // of its malloc cells: see memory_life.hpp
};

struct Matrix {
  std::string name;  // "quick", or the path of the file
  std::string summary;
  std::uint32_t rounds = 3;
  double seconds = 0.6;
  std::uint32_t samples = 20;
  std::string baseline;  // empty: chosen from the plan
  std::vector<Star> stars;
};

// `name` is what messages call the text.
Matrix parse_matrix(std::string_view text, std::string const& name);
// A matrix that comes with churn, or a path that ends in .toml or holds a slash.
Matrix find_matrix(std::string const& name_or_path);

struct EmbeddedMatrix {
  std::string_view name, text;
};
std::span<EmbeddedMatrix const> embedded_matrices() noexcept;

}  // namespace churn::run
