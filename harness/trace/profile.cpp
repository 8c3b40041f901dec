#include "harness/trace/profile.hpp"

#include <algorithm>
#include <map>

#include "harness/trace/order.hpp"

namespace churn::trace {
namespace {

using Frames = std::vector<std::uint64_t>;

struct Sums {
  double live = 0, live_at_peak = 0, total = 0, blocks = 0, lived = 0, ended = 0;
};
struct Sampled {
  std::uint32_t site = 0;
  double weight = 0, bytes = 0;  // how many blocks, and bytes, this one stands for
  std::uint64_t born = 0;
};

// First pass: when most is alive. Second: what of it comes from where.
class Profiler {
 public:
  Profiler(Trace const& trace, std::uint32_t process) : trace_(trace), process_(process) {}

  Profile profile() {
    in_order(trace_, process_, [this](Call const& call) { find_peak(call); });
    position_ = 0;
    in_order(trace_, process_, [this](Call const& call) { take(call); });
    for (auto const& [block, each] : alive_) end(each);
    Profile result;
    result.sampled = trace_.bytes_per_stack != 0 && !sites_.empty();
    result.peak_live_bytes = peak_;
    result.total_bytes = total_;
    Symbols symbols(trace_, process_);
    for (auto const& [frames, index] : sites_) result.sites.push_back(site(frames, index, symbols));
    return result;
  }

 private:
  void find_peak(Call const& call) {
    ++position_;
    std::uint32_t const ended = call.event.kind == Kind::free ? call.block : call.old_block;
    if (ended != no_block) live_ -= bytes_[ended];
    if (!call.event.makes_block()) return;
    if (bytes_.size() <= call.block) bytes_.resize(std::size_t{call.block} + 1);
    bytes_[call.block] = call.event.bytes;
    live_ += call.event.bytes;
    total_ += call.event.bytes;
    if (live_ <= peak_) return;
    peak_ = live_;
    peak_at_ = position_;
  }

  void take(Call const& call) {
    ++position_;
    std::uint32_t const ended = call.event.kind == Kind::free ? call.block : call.old_block;
    if (auto const found = alive_.find(ended); ended != no_block && found != alive_.end()) {
      end(found->second);
      sums_[found->second.site].live -= found->second.bytes;
      alive_.erase(found);
    }
    if (call.event.makes_block() && !call.frames.empty()) begin(call);
    if (position_ != peak_at_) return;
    for (Sums& each : sums_) each.live_at_peak = each.live;
  }

  void begin(Call const& call) {
    auto const [found, is_new] = sites_.emplace(Frames(call.frames.begin(), call.frames.end()),
                                                static_cast<std::uint32_t>(sums_.size()));
    if (is_new) sums_.emplace_back();
    // A block of at least so many bytes always has a stack; a smaller one stands for several.
    auto const bytes = static_cast<double>(std::max<std::uint64_t>(call.event.bytes, 1));
    double const weight = std::max(1.0, static_cast<double>(trace_.bytes_per_stack) / bytes);
    Sampled const sampled{found->second, weight, weight * static_cast<double>(call.event.bytes),
                          position_};
    Sums& sums = sums_[sampled.site];
    sums.live += sampled.bytes;
    sums.total += sampled.bytes;
    sums.blocks += weight;
    alive_.emplace(call.block, sampled);
  }

  void end(Sampled const& sampled) {
    Sums& sums = sums_[sampled.site];
    sums.lived += sampled.weight * static_cast<double>(position_ - sampled.born);
    sums.ended += sampled.weight;
  }

  Site site(Frames const& frames, std::uint32_t index, Symbols& symbols) const {
    Sums const& sums = sums_[index];
    Site result;
    for (std::uint64_t const address : frames) {
      if (!symbols.is_recorder(address)) result.frames.push_back(symbols.name_of(address));
    }
    result.live_bytes = sums.live_at_peak;
    result.total_bytes = sums.total;
    result.blocks = sums.blocks;
    result.lifetime_calls = sums.ended == 0 ? 0 : sums.lived / sums.ended;
    return result;
  }

  Trace const& trace_;
  std::uint32_t process_;
  std::vector<std::uint64_t> bytes_;  // by block
  std::uint64_t position_ = 0, live_ = 0, total_ = 0, peak_ = 0, peak_at_ = 0;
  std::map<Frames, std::uint32_t> sites_;
  std::vector<Sums> sums_;
  std::map<std::uint32_t, Sampled> alive_;  // by block
};

}  // namespace

Profile profile(Trace const& trace, std::uint32_t process) {
  return Profiler(trace, process).profile();
}

Profile difference(Profile const& later, Profile const& earlier) {
  // Addresses differ from process to process; names do not.
  std::map<std::vector<std::string>, Site> sites;
  for (auto const& each : later.sites) {
    auto const [found, is_new] = sites.emplace(each.frames, each);
    if (is_new) continue;
    found->second.live_bytes += each.live_bytes;
    found->second.total_bytes += each.total_bytes;
    found->second.blocks += each.blocks;
  }
  for (auto const& each : earlier.sites) {
    Site& site = sites[each.frames];
    site.frames = each.frames;
    site.live_bytes -= each.live_bytes;
    site.total_bytes -= each.total_bytes;
    site.blocks -= each.blocks;
  }
  Profile result;
  result.sampled = later.sampled && earlier.sampled;
  result.peak_live_bytes = later.peak_live_bytes;
  result.total_bytes = later.total_bytes;
  for (auto& [frames, site] : sites) result.sites.push_back(std::move(site));
  return result;
}

}  // namespace churn::trace
