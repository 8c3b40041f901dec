#include <algorithm>
#include <array>

#include "results/export/formats.hpp"
#include "results/report/json_writer.hpp"
#include "results/report/text.hpp"

namespace churn::exporting {
namespace {

// Of forty, what somebody looks at every day.
constexpr std::array watched{"time_per_op_ns",      "peak_rss_bytes",    "latency_p99_ns",
                             "pause_max_ns",        "steady_time_ratio", "total_time_ratio",
                             "peak_rss_bytes_ratio"};

bool is_watched(Figure const& figure) {
  return std::find(watched.begin(), watched.end(), figure.metric) != watched.end();
}

}  // namespace

std::string to_custom_smaller_is_better(Findings const& findings) {
  report::JsonWriter json(2);
  json.begin_array();
  for (Finding const& each : findings.findings) {
    for (Figure const& figure : each.figures) {
      if (!is_watched(figure)) continue;
      json.begin_object()
          .member("name", report::visible(each.name) + " " + figure.metric)
          .member("unit", figure.unit)
          .member("value", figure.value);
      if (figure.low && figure.high) {
        json.member("range",
                    report::exact_text(*figure.low) + " to " + report::exact_text(*figure.high));
      }
      json.member("extra", each.verdict).end_object();
    }
  }
  return json.end_array().take() + "\n";
}

}  // namespace churn::exporting
