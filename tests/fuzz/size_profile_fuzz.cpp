// Size profiles: any text is refused with a message, or gives rows that are within their bounds.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "harness/core/check.hpp"
#include "workloads/parts/size_profile.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  try {
    double rates = 0;
    for (churn::SizeRow const& row : churn::SizeProfileReader(text, "profile").rows()) {
      CHURN_CHECK(row.bytes >= 1 && row.bytes <= std::uint64_t{1} << 36);
      CHURN_CHECK(std::isfinite(row.rate) && row.rate >= 0);
      CHURN_CHECK(std::isfinite(row.live) && row.live >= 0);
      rates += row.rate;
    }
    CHURN_CHECK(rates > 0);
  } catch (churn::UserError const& error) {
    CHURN_CHECK(std::string_view(error.what()).starts_with("profile"));
  }
  return 0;
}
