#include <algorithm>

#include "results/export/formats.hpp"
#include "results/report/json_writer.hpp"
#include "results/report/text.hpp"

namespace churn::exporting {
namespace {

constexpr std::size_t most_name_characters = 1024;

// A name that is too long ends in the number of its place, so that no two become one.
std::string bounded_name(std::string const& name, std::size_t place) {
  std::string text = report::visible(name);
  if (report::width_of(text) <= most_name_characters) return text;
  std::string const end = "... #" + std::to_string(place);
  while (report::width_of(text) + end.size() > most_name_characters) {
    while ((static_cast<unsigned char>(text.back()) & 0xc0) == 0x80) text.pop_back();
    text.pop_back();
  }
  return text + end;
}

// "peak_rss_bytes" as "peak-rss-bytes".
std::string slug(std::string const& metric) {
  if (metric == "time_per_op_ns") return "latency";
  std::string text = metric;
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

}  // namespace

std::string to_bmf(Findings const& findings) {
  report::JsonWriter json(2);
  json.begin_object();
  std::size_t place = 0;
  for (Finding const& each : findings.findings) {
    ++place;
    if (each.figures.empty()) continue;
    json.key(bounded_name(each.name, place)).begin_object();
    for (Figure const& figure : each.figures) {
      json.key(slug(figure.metric)).begin_object().member("value", figure.value);
      if (figure.low) json.member("lower_value", *figure.low);
      if (figure.high) json.member("upper_value", *figure.high);
      json.end_object();
    }
    json.end_object();
  }
  return json.end_object().take() + "\n";
}

}  // namespace churn::exporting
