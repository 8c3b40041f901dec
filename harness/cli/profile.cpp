#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "harness/cli/commands.hpp"
#include "harness/cli/output.hpp"
#include "harness/core/error.hpp"
#include "harness/trace/compile.hpp"
#include "harness/trace/profile.hpp"
#include "harness/trace/read.hpp"
#include "results/report/text.hpp"

namespace churn::cli {
namespace {

double key_of(trace::Site const& site, std::string const& by) {
  if (by == "total") return std::abs(site.total_bytes);
  if (by == "lifetime") return site.lifetime_calls;
  return std::abs(site.live_bytes);
}

trace::Profile profile_of(std::string const& path) {
  trace::Trace const trace = trace::read_trace(path);
  for (auto const& each : trace.remarks) {
    std::fprintf(stderr, "churn: %s\n", report::visible(each).c_str());
  }
  trace::Profile result = trace::profile(trace, trace::busiest_process(trace));
  if (!result.sampled) {
    throw UserError(path + " has no call stacks; record it with --stacks BYTES, as --stacks 4Ki");
  }
  return result;
}

std::string signed_bytes(double bytes, bool with_sign) {
  std::string const text = report::bytes_text(std::abs(bytes));
  return bytes < 0 ? "-" + text : with_sign ? "+" + text : text;
}

std::string site_text(trace::Site const& site, bool with_sign, std::size_t frames) {
  char line[160];
  std::snprintf(line, sizeof line, "%12s %12s %12.0f %12.0f\n",
                signed_bytes(site.live_bytes, with_sign).c_str(),
                signed_bytes(site.total_bytes, with_sign).c_str(), site.blocks,
                site.lifetime_calls);
  std::string text = line;
  for (std::size_t i = 0; i < std::min(frames, site.frames.size()); ++i) {
    text += "    " + report::visible(site.frames[i]) + "\n";
  }
  return text;
}

std::string profile_json(trace::Profile const& profile, std::size_t top) {
  nlohmann::ordered_json json{{"peak_live_bytes", profile.peak_live_bytes},
                              {"total_bytes", profile.total_bytes},
                              {"sites", nlohmann::ordered_json::array()}};
  for (std::size_t i = 0; i < std::min(top, profile.sites.size()); ++i) {
    auto const& site = profile.sites[i];
    json["sites"].push_back({{"frames", site.frames},
                             {"live_bytes", site.live_bytes},
                             {"total_bytes", site.total_bytes},
                             {"blocks", site.blocks},
                             {"lifetime_calls", site.lifetime_calls}});
  }
  return json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

int profile(ProfileOptions const& options) {
  bool const known = options.by == "live" || options.by == "total" || options.by == "lifetime";
  if (!known) throw UserError("--by " + options.by + " is none of live, total, lifetime");
  trace::Profile found = profile_of(options.trace);
  bool const compares = !options.before.empty();
  if (compares) found = difference(found, profile_of(options.before));
  std::stable_sort(found.sites.begin(), found.sites.end(), [&](auto const& a, auto const& b) {
    return key_of(a, options.by) > key_of(b, options.by);
  });
  if (options.json) {
    write_output("", profile_json(found, options.top));
    return fine;
  }
  std::string text = report::visible(options.trace) +
                     (compares ? " less " + report::visible(options.before) : "") + ": " +
                     report::bytes_text(static_cast<double>(found.peak_live_bytes)) +
                     " alive at the peak, " +
                     report::bytes_text(static_cast<double>(found.total_bytes)) +
                     " asked for in all; estimates by site, by " + options.by + "\n" +
                     "live at peak        total       blocks  lived, calls\n";
  for (std::size_t i = 0; i < std::min<std::size_t>(options.top, found.sites.size()); ++i) {
    text += site_text(found.sites[i], compares, options.frames);
  }
  write_output("", text);
  return fine;
}

}  // namespace churn::cli
