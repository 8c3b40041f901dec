// What:  the one seeded generator of the suite, xoshiro256++ (Blackman and Vigna, "Scrambled linear
//        pseudorandom number generators", ACM TOMS 2021), seeded by splitmix64.
// Why:   the same seed must give the same checksum on every back end, compiler and machine; the
//        standard library's distributions are not the same everywhere, so none is used.
// Cost:  about 1 ns a number. Not thread-safe: one generator per thread, from `fork`.
#pragma once

#include <bit>
#include <cstdint>

namespace churn {

class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) noexcept {
    for (auto& word : state_) word = splitmix(seed);
  }

  constexpr std::uint64_t next() noexcept {
    std::uint64_t const result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    std::uint64_t const shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  // Uniform in [0, bound) but for a bias below bound / 2^64. pre: bound > 0
  constexpr std::uint64_t below(std::uint64_t bound) noexcept {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
  }
  // Uniform in [low, high]. pre: low <= high
  constexpr std::uint64_t between(std::uint64_t low, std::uint64_t high) noexcept {
    return low + below(high - low + 1);
  }
  // Uniform in [0, 1).
  constexpr double unit() noexcept { return static_cast<double>(next() >> 11) * 0x1p-53; }

  // An independent generator for a thread or a part, determined by this one's seed and `stream`.
  [[nodiscard]] static constexpr Random fork(std::uint64_t seed, std::uint64_t stream) noexcept {
    std::uint64_t mixed = seed ^ (0x9e3779b97f4a7c15u * (stream + 1));
    return Random(splitmix(mixed));
  }

 private:
  static constexpr std::uint64_t splitmix(std::uint64_t& state) noexcept {
    std::uint64_t mixed = (state += 0x9e3779b97f4a7c15u);
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
  }

  std::uint64_t state_[4]{};
};

// Mixes a value into a checksum so that order and position matter (the finaliser of splitmix64).
// For checksums of shared structures add `mix(0, value)`: a sum is commutative.
constexpr std::uint64_t mix(std::uint64_t sum, std::uint64_t value) noexcept {
  std::uint64_t mixed = sum + 0x9e3779b97f4a7c15u + value;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
  return mixed ^ (mixed >> 31);
}

}  // namespace churn
