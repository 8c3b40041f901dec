#include "harness/run/heaps.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "harness/core/error.hpp"
#include "harness/core/page_source.hpp"
#include "harness/core/quantity.hpp"

namespace churn::run {
namespace {

constexpr double most_multiple = 1000;

HeapWish parse_heap(std::string const& part, std::string const& whole) {
  if (part.size() > 1 && part.back() == 'x') {
    double multiple = 0;
    char const* const end = part.data() + part.size() - 1;
    auto const [stopped, error] = std::from_chars(part.data(), end, multiple);
    if (error == std::errc() && stopped == end && multiple >= 1 && multiple <= most_multiple) {
      return {0, multiple};
    }
    throw UserError("--heap " + whole + ": \"" + part +
                    "\" is not a multiple from 1x to 1000x, as 1.5x");
  }
  auto const bytes = parse_quantity(part, 1, INT64_MAX);
  if (bytes) return {static_cast<std::uint64_t>(*bytes), 0};
  throw UserError("--heap " + whole + ": \"" + part +
                  "\" is neither a size (64Mi, 1G) nor a multiple of the smallest heap (2x)");
}

}  // namespace

std::vector<HeapWish> parse_heaps(std::string const& text) {
  std::vector<HeapWish> result;
  for (std::size_t begin = 0;;) {
    std::size_t const comma = std::min(text.find(',', begin), text.size());
    result.push_back(parse_heap(text.substr(begin, comma - begin), text));
    if (comma == text.size()) return result;
    begin = comma + 1;
  }
}

Plan with_heaps(Plan const& plan, std::vector<HeapWish> const& heaps,
                std::map<std::uint64_t, std::uint64_t> const& smallest_bytes) {
  Plan result = plan;
  result.cells.clear();
  std::uint64_t blocks = 0;
  for (PlannedCell const& cell : plan.cells) blocks = std::max(blocks, cell.block + 1);
  std::set<store::CellKey> known;
  for (std::size_t i = 0; i < heaps.size(); ++i) {
    for (PlannedCell cell : plan.cells) {
      bool const managed = !cell.key.collector.name.empty();
      if (!managed && i > 0) continue;
      std::uint64_t bytes = heaps[i].bytes;
      auto const smallest = smallest_bytes.find(cell.block);
      if (bytes == 0 && smallest != smallest_bytes.end()) {
        bytes = round_up(static_cast<std::uint64_t>(
                             std::ceil(heaps[i].multiple * static_cast<double>(smallest->second))),
                         page_bytes);
      }
      if (managed && bytes == 0 && cell.why_not.empty()) {
        cell.why_not = "no collector that was asked for runs this workload in any heap";
      }
      cell.key.heap_limit_bytes = managed ? bytes : 0;
      cell.block += i * blocks;
      if (known.insert(cell.key).second) result.cells.push_back(std::move(cell));
    }
  }
  return result;
}

}  // namespace churn::run
