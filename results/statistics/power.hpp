// What:  the smallest true change that a test on this many pairs of this spread finds as often as
//        asked: the minimum detectable effect.
// Why:   "inconclusive" alone says nothing; "8 % would have been found" tells how blind the machine
//        is, and whether more pairs are worth it.
// How:   the width of the shift's exact interval gives its standard error; beyond the tolerance the
//        change must exceed the quantiles of both errors. Normal, since it is a statement about
//        other runs and not a test.
// Thread-safety: pure functions.
#pragma once

#include "results/statistics/signed_rank.hpp"

namespace churn::statistics {

// As a shift, like `tolerated`. Infinite where the interval's confidence is too low to have a
// width. pre: alarm and power lie between 0 and 1
double minimum_detectable_shift(Shift const& shift, double tolerated, double alarm, double power);

}  // namespace churn::statistics
