// The grammar of names and cells: any text is refused with a message, or parsed into what spells
// the same again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "harness/core/check.hpp"
#include "harness/core/error.hpp"
#include "harness/run/names.hpp"

namespace {

using namespace churn;

void check_list(std::string_view text) {
  auto const names = run::parse_names(text);
  std::string joined;
  for (auto const& each : names) {
    CHURN_CHECK(run::parse_name(store::spelled(each)) == each);
    joined += (joined.empty() ? "" : ",") + store::spelled(each);
  }
  CHURN_CHECK(!names.empty());
  CHURN_CHECK(run::parse_names(joined) == names);
}

void check_cell(std::string_view text) {
  store::CellKey key = run::parse_cell(text);
  if (key.threads == 0) key.threads = 1;  // not said; a stored cell always has some
  CHURN_CHECK(run::parse_cell(store::spelled(key)) == key);
}

template <class Check>
void try_out(Check&& check, std::string_view text) {
  try {
    check(text);
  } catch (churn::UserError const& error) {
    CHURN_CHECK(std::string_view(error.what()).find("character ") != std::string_view::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  try_out(check_list, text);
  try_out(check_cell, text);
  return 0;
}
