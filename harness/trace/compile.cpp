#include "harness/trace/compile.hpp"

#include <algorithm>
#include <cstring>

#include "harness/core/error.hpp"
#include "harness/trace/order.hpp"

namespace churn::trace {
namespace {

using replay::Code;

// When each thread made its first and its last call, and what was alive at once.
class Surveyor {
 public:
  explicit Surveyor(Trace const& trace) : lives_(trace.threads.size()) {}

  void take(Call const& call) {
    auto& [first, last] = lives_[call.thread];
    if (last == 0) first = position_;
    last = ++position_;
    std::uint32_t const ended = call.event.kind == Kind::free ? call.block : call.old_block;
    if (ended != no_block) {
      live_ -= bytes_[ended];
      --live_blocks_;
    }
    if (!call.event.makes_block()) return;
    if (bytes_.size() <= call.block) bytes_.resize(std::size_t{call.block} + 1);
    bytes_[call.block] = call.event.bytes;
    live_ += call.event.bytes;
    ++live_blocks_;
    ++summary_.made;
    summary_.total_bytes += call.event.bytes;
    summary_.peak_live_bytes = std::max(summary_.peak_live_bytes, live_);
    summary_.peak_live_blocks = std::max(summary_.peak_live_blocks, live_blocks_);
  }

  Summary summary() {
    std::vector<std::uint32_t> threads;
    for (std::uint32_t i = 0; i < lives_.size(); ++i) {
      if (lives_[i].second != 0) threads.push_back(i);
    }
    std::sort(threads.begin(), threads.end(), [this](std::uint32_t a, std::uint32_t b) {
      return lives_[a].first < lives_[b].first;
    });
    summary_.threads = static_cast<std::uint32_t>(threads.size());
    summary_.lane_of.assign(lives_.size(), 0);
    std::vector<std::uint64_t> lane_ends;
    for (std::uint32_t const thread : threads) {
      auto const found = std::find_if(lane_ends.begin(), lane_ends.end(), [&](std::uint64_t end) {
        return end <= lives_[thread].first;
      });
      std::size_t const lane = static_cast<std::size_t>(found - lane_ends.begin());
      if (found == lane_ends.end()) lane_ends.push_back(0);
      lane_ends[lane] = lives_[thread].second;
      summary_.lane_of[thread] = static_cast<std::uint32_t>(lane);
    }
    summary_.lanes = static_cast<std::uint32_t>(
        std::clamp<std::size_t>(lane_ends.size(), 1, replay::most_lanes));
    return summary_;
  }

 private:
  std::vector<std::pair<std::uint64_t, std::uint64_t>> lives_;  // by thread: positions, end + 1
  std::vector<std::uint64_t> bytes_;                            // by block
  std::uint64_t position_ = 0, live_ = 0, live_blocks_ = 0;
  Summary summary_;
};

struct Block {
  std::uint32_t slot = 0;
  std::uint32_t announced = 0;  // as its lane's how-manieth
  std::uint8_t lane = 0;
  bool live = false, handed_over = false;
};

class Compiler {
 public:
  Compiler(Trace const& trace, Summary const& summary, std::uint32_t lanes)
      : trace_(trace), summary_(summary), lanes_(lanes) {
    for (Lane& each : lanes_) each.seen.assign(lanes, 0);
  }

  std::string program() {
    Ordered const ordered = in_order(trace_, summary_.process, [this](Call const& call) {
      blocks_.resize(std::max(blocks_.size(), std::size_t{most_of(call)} + 1));
      note_lanes(call);
    });
    blocks_.resize(std::max<std::size_t>(blocks_.size(), ordered.blocks));
    in_order(trace_, summary_.process, [this](Call const& call) { emit(call); });
    for (std::uint32_t i = 0; i < blocks_.size(); ++i) {
      if (blocks_[i].live) free_block(lanes_[blocks_[i].lane], i);
    }
    return assembled();
  }

 private:
  struct Lane {
    std::vector<std::uint64_t> words;
    std::vector<std::uint32_t> slots;  // that may be used again
    std::vector<std::uint32_t> seen;   // of each lane's announcements
    std::uint32_t announcements = 0;
    std::uint64_t bytes = 0;
  };

  std::uint8_t lane_of(Call const& call) const {
    return static_cast<std::uint8_t>(summary_.lane_of[call.thread] % lanes_.size());
  }
  static std::uint32_t most_of(Call const& call) {
    return call.old_block == no_block ? call.block : std::max(call.block, call.old_block);
  }

  // First pass: which blocks are made in one lane and ended in another?
  void note_lanes(Call const& call) {
    std::uint8_t const lane = lane_of(call);
    std::uint32_t const ended = call.event.kind == Kind::free ? call.block : call.old_block;
    if (ended != no_block && blocks_[ended].lane != lane) blocks_[ended].handed_over = true;
    if (call.event.makes_block()) blocks_[call.block].lane = lane;
  }

  void emit(Call const& call) {
    std::uint8_t const index = lane_of(call);
    Lane& lane = lanes_[index];
    Block& block = blocks_[call.block];
    switch (call.event.kind) {
      case Kind::free:
        await(lane, block, index);
        return free_block(lane, call.block);
      case Kind::usable:
        // Its end elsewhere waits for its making alone, and may come before this.
        if (block.lane != index || block.handed_over) return;
        ++calls_;
        return put(lane, Code::usable, 0, block.slot);
      case Kind::realloc:
        await(lane, blocks_[call.old_block], index);
        blocks_[call.old_block].live = false;
        block.slot = blocks_[call.old_block].slot;
        break;
      default:
        block.slot = slot(lane);
    }
    block.live = true;
    lane.bytes += call.event.bytes;
    make(lane, call.event, block.slot);
    if (!block.handed_over) return;
    block.announced = ++lane.announcements;
    put(lane, Code::announce, 0, block.announced);
  }

  void make(Lane& lane, Event const& event, std::uint32_t slot) {
    Code code = event.kind == Kind::calloc ? Code::calloc : Code::malloc;
    if (event.kind == Kind::realloc) code = Code::realloc;
    if (code == Code::realloc && event.bytes == 0) {  // would free, and make nothing
      put(lane, Code::free, 0, slot);
      ++calls_;
      code = Code::malloc;
    }
    ++calls_;
    bool const aligned = event.kind == Kind::aligned;
    if (!aligned && event.bytes <= replay::most_detail) {
      return put(lane, code, static_cast<std::uint32_t>(event.bytes), slot);
    }
    std::uint32_t const wide = aligned ? replay::wide_aligned : static_cast<std::uint32_t>(code);
    put(lane, Code::wide, wide | event.log2_align << replay::wide_code_bits, slot);
    lane.words.push_back(event.bytes);
  }

  void await(Lane& lane, Block const& block, std::uint8_t index) {
    if (block.lane == index || lane.seen[block.lane] >= block.announced) return;
    lane.seen[block.lane] = block.announced;
    put(lane, Code::await, block.lane, block.announced);
  }

  void free_block(Lane& lane, std::uint32_t block) {
    blocks_[block].live = false;
    lane.slots.push_back(blocks_[block].slot);
    ++calls_;
    put(lane, Code::free, 0, blocks_[block].slot);
  }

  std::uint32_t slot(Lane& lane) {
    if (lane.slots.empty()) return slots_++;
    std::uint32_t const result = lane.slots.back();
    lane.slots.pop_back();
    return result;
  }

  static void put(Lane& lane, Code code, std::uint32_t detail, std::uint32_t slot) {
    lane.words.push_back(replay::word_of(code, detail, slot));
  }

  std::string assembled() const {
    replay::ReplayHeader header;
    header.magic = replay::program_magic;
    header.lanes = static_cast<std::uint32_t>(lanes_.size());
    header.slots = std::max<std::uint32_t>(slots_, 1);
    header.calls = calls_;
    header.peak_live_bytes = summary_.peak_live_bytes;
    header.peak_live_blocks = summary_.peak_live_blocks;
    std::uint64_t words = 0;
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      header.lane[i] = {words, lanes_[i].words.size(), lanes_[i].announcements, lanes_[i].bytes};
      words += lanes_[i].words.size();
    }
    std::string result(sizeof header + words * sizeof(std::uint64_t), '\0');
    std::memcpy(result.data(), &header, sizeof header);
    char* at = result.data() + sizeof header;
    for (Lane const& each : lanes_) {
      if (!each.words.empty()) std::memcpy(at, each.words.data(), each.words.size() * 8);
      at += each.words.size() * sizeof(std::uint64_t);
    }
    return result;
  }

  Trace const& trace_;
  Summary const& summary_;
  std::vector<Lane> lanes_;
  std::vector<Block> blocks_;
  std::uint32_t slots_ = 0;
  std::uint64_t calls_ = 0;
};

}  // namespace

std::uint32_t busiest_process(Trace const& trace) {
  std::vector<std::uint64_t> words(std::max<std::size_t>(trace.processes.size(), 1));
  for (auto const& each : trace.threads) {
    if (each.process < words.size()) words[each.process] += each.words.size();
  }
  return static_cast<std::uint32_t>(std::max_element(words.begin(), words.end()) - words.begin());
}

Summary summarize(Trace const& trace, std::uint32_t process) {
  Surveyor surveyor(trace);
  Ordered const ordered = in_order(trace, process, [&](Call const& call) { surveyor.take(call); });
  Summary summary = surveyor.summary();
  summary.process = process;
  summary.calls = ordered.calls;
  summary.left_out = ordered.left_out;
  return summary;
}

std::string compile(Trace const& trace, Summary const& summary, std::uint32_t lanes) {
  if (summary.calls == 0) throw UserError(trace.source + " has no call that could be replayed");
  if (lanes == 0 || lanes > summary.lanes) {
    throw UserError(trace.source + " can be replayed by 1 to " + std::to_string(summary.lanes) +
                    " threads, not by " + std::to_string(lanes));
  }
  return Compiler(trace, summary, lanes).program();
}

}  // namespace churn::trace
