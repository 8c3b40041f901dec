// Matrix files: any text is refused with its file and a line, or gives a matrix within all bounds.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "harness/core/check.hpp"
#include "harness/core/error.hpp"
#include "harness/run/matrix.hpp"

namespace {

using namespace churn::run;

void check_bounds(Matrix const& matrix) {
  CHURN_CHECK(matrix.rounds >= 1 && matrix.rounds <= most_rounds);
  CHURN_CHECK(matrix.samples >= 1 && matrix.samples <= most_samples);
  CHURN_CHECK(matrix.seconds >= least_seconds && matrix.seconds <= most_seconds);
  CHURN_CHECK(!matrix.stars.empty());
  for (Star const& star : matrix.stars) {
    CHURN_CHECK(!star.workloads.empty());
    for (auto const count : star.threads) CHURN_CHECK(count >= 1 && count <= most_threads);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  try {
    check_bounds(parse_matrix({reinterpret_cast<char const*>(data), size}, "fuzz.toml"));
  } catch (churn::UserError const& error) {
    CHURN_CHECK(std::string_view(error.what()).starts_with("fuzz.toml:"));
  }
  return 0;
}
