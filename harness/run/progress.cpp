#include "harness/run/progress.hpp"

#include <algorithm>
#include <cmath>

#include "harness/core/clock.hpp"

namespace churn::run {
namespace {

constexpr std::uint64_t plain_line_every_ns = 5'000'000'000;
// A cell's next invocation seldom lies outside this share of its former ones.
constexpr double own_low = 0.9, own_high = 1.15;
constexpr double unknown_high = 3.0;

// pre: sorted is sorted and not empty
double at_share(std::vector<double> const& sorted, double share) {
  double const last = static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<std::size_t>(std::lround(share * last))];
}

}  // namespace

Eta remaining(std::vector<Rest> const& rests, double expected_s) {
  std::vector<double> all;
  for (Rest const& rest : rests) {
    for (std::uint64_t const wall_ns : rest.walls_ns)
      all.push_back(static_cast<double>(wall_ns) * 1e-9);
  }
  std::sort(all.begin(), all.end());
  double const strange_low = all.empty() ? expected_s : at_share(all, 0.25);
  double const strange_high = all.empty() ? unknown_high * expected_s : at_share(all, 0.75);
  Eta eta;
  for (Rest const& rest : rests) {
    double low = strange_low, high = strange_high;
    if (!rest.walls_ns.empty()) {
      auto const [least, most] = std::minmax_element(rest.walls_ns.begin(), rest.walls_ns.end());
      low = own_low * static_cast<double>(*least) * 1e-9;
      high = own_high * static_cast<double>(*most) * 1e-9;
    }
    eta.low_s += rest.invocations * low;
    eta.high_s += rest.invocations * high;
  }
  return eta;
}

std::string spelled_seconds(double seconds) {
  auto const whole = static_cast<unsigned long long>(std::llround(seconds));
  char text[64];
  if (whole < 60) {
    std::snprintf(text, sizeof text, "%llus", whole);
  } else if (whole < 3600) {
    std::snprintf(text, sizeof text, "%llum%02llus", whole / 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%lluh%02llum", whole / 3600, whole / 60 % 60);
  }
  return text;
}

std::optional<double> noise_between(std::vector<std::vector<double>> const& totals_by_cell) {
  std::vector<double> spreads;
  for (std::vector<double> totals : totals_by_cell) {
    if (totals.size() < 2) continue;
    std::sort(totals.begin(), totals.end());
    spreads.push_back((totals.back() - totals.front()) / at_share(totals, 0.5));
  }
  if (spreads.empty()) return std::nullopt;
  std::sort(spreads.begin(), spreads.end());
  return at_share(spreads, 0.5);
}

std::string progress_line(Step const& step, std::size_t width) {
  std::string const total = std::to_string(step.total);
  std::string const done = std::to_string(step.done);
  std::string line = "[";
  line.append(total.size() - std::min(total.size(), done.size()), ' ');
  line.append(done).append("/").append(total).append("]");
  if (step.eta) {
    std::string const low = spelled_seconds(step.eta->low_s);
    std::string const high = spelled_seconds(step.eta->high_s);
    line.append(" ").append(low);
    if (low != high) line.append("-").append(high);
    line += " left";
  }
  if (step.noise) {
    char text[32];
    std::snprintf(text, sizeof text, "  noise %.0f%%", 100 * *step.noise);
    line += text;
  }
  line += "  " + step.what;
  if (line.size() <= width) return line;
  return line.substr(0, width - 3) + "...";
}

void Progress::wipe() {
  if (shown_ == 0) return;
  std::fprintf(out_, "\r%*s\r", static_cast<int>(shown_), "");
  std::fflush(out_);
  shown_ = 0;
}

void Progress::show(Step const& step) {
  if (!is_terminal_) {
    std::uint64_t const now = now_ns();
    if (now < next_line_ns_) return;
    next_line_ns_ = now + plain_line_every_ns;
    std::fprintf(out_, "%s\n", progress_line(step, progress_columns).c_str());
    std::fflush(out_);
    return;
  }
  std::string const line = progress_line(step, progress_columns);
  std::size_t const stale = shown_ > line.size() ? shown_ - line.size() : 0;
  std::fprintf(out_, "\r%s%*s", line.c_str(), static_cast<int>(stale), "");
  std::fflush(out_);
  shown_ = line.size();
}

void Progress::note(std::string const& line) {
  wipe();
  std::fprintf(out_, "%s\n", line.c_str());
  std::fflush(out_);
}

}  // namespace churn::run
