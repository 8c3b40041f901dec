// What:  how much of an extra cost a cell shows: its response. A cell as large as the caches begins
//        each turn with what the other side left in them; that restart costs the same whatever the
//        operations cost, so a candidate that is 5 % slower may show 2.5 %.
// How:   the baseline against itself with a known share of operations more; the response is the
//        shift that shows by the shift that is there. Far more is added than is to be found, since
//        then a few pairs tell the response: the restart adds to a turn, so it is linear.
// Errs to neither side: what must be found is scaled by the least response that the pairs allow, so
//        an error of it makes passes rarer; what is tolerated is not scaled at all, so it makes no
//        false alarm. Where it cannot be told from nothing, no cell passes.
// Thread-safety: pure functions.
#pragma once

#include <string_view>

#include "harness/core/extra_work.hpp"

namespace churn::gate {

struct Rule;
struct Stage;

// Of one question: 1 shows all of it.
struct Shown {
  double estimate = 1, least = 1;
};
struct Response {
  bool measured = false;
  Shown steady, total;
};

// By the name of the protocol, which is stored with the cell.
bool needs_response(std::string_view protocol) noexcept;
// What the baseline's second process is asked to do more.
ExtraWork response_work(Rule const& rule);
// Of pairs that were asked for that. Not measured where there are none.
Response response_of(Stage const& pairs, Rule const& rule);

}  // namespace churn::gate
