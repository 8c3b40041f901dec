// What:  a group-sequential test of two questions at planned looks: is the candidate slower than it
//        may be ("alarm"), and is it certainly less slow than what must be found ("pass")? It stops
//        as soon as one of them is answered.
// Why:   most cells have not changed and show it after a few pairs; what is close to a limit needs
//        many. A test that is merely repeated until it pleases raises false alarms without end.
// How:   each look may use a share of the whole error, and the shares add up to one: by
//        Bonferroni's inequality the chance that any look errs is at most the error, whatever the
//        correlation of the looks and whenever one stops. So `p`, the least over the looks of
//        p_look / share, is a p-value of the whole course, fit for Holm's procedure.
// Hints: before the last look a pass also needs that nothing hints at the contrary: a plain p of
//        the alarm's question above `hint`. Of two true changes, both less than what must be found,
//        the greater would else mostly pass by the way. It costs pairs only where there is a hint.
// When not: for looks that were not planned. A look at 15 pairs cannot give less than 2^-15.
// Source: after K. Lan and D. DeMets, Discrete sequential boundaries for clinical trials,
//        Biometrika 70, 1983: error spent by look, here with the bound in place of the joint
//        distribution, which a rank test of unknown data does not have.
// Thread-safety: pure functions, as far as the tests that are handed in are.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace churn::statistics {

struct Look {
  std::size_t pairs = 0;
  double share = 0;  // of both errors
};

// Invariant: pairs ascend; shares are positive and add up to 1; both errors lie between 0 and 1,
// the hint too, but for its zero.
struct SequentialPlan {
  std::vector<Look> looks;
  double alarm = 0;  // chance of an alarm where the candidate is no slower than is tolerated
  double miss = 0;   // chance of a pass where it is as slow as must be found, or slower
  double hint = 0;   // a p of the alarm's question up to this keeps a pass waiting; 0: none does
};

inline constexpr std::size_t standard_pairs = 200, former_pairs = 90;

// Looks at 15, 25, 40, 60, 90, 135 and 200 pairs. The shares rise: where the first looks decide,
// the evidence is strong anyway, and what needs all pairs needs every bit of it. With up to
// `former_pairs` the five looks of gates that were stored before there were seven.
SequentialPlan standard_plan(double alarm, double miss, std::size_t most_pairs = standard_pairs);

enum class Decision { open, alarm, pass };

struct Course {
  Decision decision = Decision::open;
  std::size_t looks = 0;           // that were taken
  std::size_t pairs = 0;           // at the last of them; 0: none was reached
  double p_alarm = 1, p_pass = 1;  // of the course so far
};

// The p-value of a question on the first `pairs` pairs.
using PairTest = std::function<double(std::size_t pairs)>;

// Takes the looks that `available` pairs reach, up to the one that decides. Where one look answers
// both, it is an alarm: more than is tolerated, and less than what must be found. `pass` may be
// empty: that question is not asked.
Course follow(SequentialPlan const& plan, std::size_t available, PairTest const& alarm,
              PairTest const& pass);
// The same for paired differences and the limits of their shift, by exact signed ranks.
Course follow(SequentialPlan const& plan, std::span<double const> differences, double tolerated,
              double must_find);

}  // namespace churn::statistics
