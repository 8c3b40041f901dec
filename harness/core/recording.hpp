// What:  the memory that the recorder in a program and `churn record` share: a table of processes,
//        a pool of segments, and the words that threads write into their own segments.
// Why:   what a thread has written is in churn's hands at once, without a call and without a lock:
//        a program that is killed loses nothing. A block is named by who made it (thread, count),
//        so that a free tells by itself where its block comes from; no address has to be matched
//        afterwards, and no clock has to order threads between which nothing passes.
// Layout: RecordingHeader | state of each segment | segments. A segment is a SegmentHeader and
//        words;
//        the first word that is zero ends it, so an event's first word is written last.
//        Its life: free, in use by one thread, full, read and zeroed by churn, free.
// Word:  the kind in the low 4 bits, 60 bits of value.
// Thread-safety: one thread writes a segment; states are the hand-over between processes.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace churn::trace {

inline constexpr char recording_variable[] = "CHURN_RECORDING";  // the path of the shared memory
inline constexpr std::uint64_t recording_magic = 0x31636572'6e727563;  // "curnrec1"

enum class Kind : std::uint8_t {
  none = 0,
  malloc = 1,   // value: bytes
  calloc = 2,   // value: bytes
  aligned = 3,  // value: bytes, the logarithm of the alignment in the upper 6 bits
  realloc = 4,  // value: the name of the old block; next word: bytes
  free = 5,     // value: the name
  usable = 6,   // value: the name; malloc_usable_size was asked
  time = 7,     // value: ns of CLOCK_MONOTONIC
  stack = 8,    // value: how many words of return addresses follow; of the allocation that follows
};
inline constexpr unsigned last_kind = 8;

inline constexpr unsigned kind_bits = 4;
inline constexpr std::uint64_t most_value = ~std::uint64_t{0} >> kind_bits;

constexpr std::uint64_t word_of(Kind kind, std::uint64_t value) noexcept {
  return value << kind_bits | static_cast<std::uint64_t>(kind);
}
constexpr std::uint64_t value_of(std::uint64_t word) noexcept { return word >> kind_bits; }

// A block's name: the thread that made it and how many it had made before.
inline constexpr unsigned sequence_bits = 34, thread_bits = 24, name_bits = 58;
inline constexpr std::uint64_t most_threads_recorded = (1u << thread_bits) - 1;  // the last: nobody
inline constexpr std::uint64_t most_blocks_of_a_thread = std::uint64_t{1} << sequence_bits;
constexpr std::uint64_t name_of_block(std::uint64_t thread, std::uint64_t sequence) noexcept {
  return thread << sequence_bits | sequence;
}
constexpr std::uint32_t thread_of(std::uint64_t name) noexcept {
  return static_cast<std::uint32_t>(name >> sequence_bits);
}
constexpr std::uint64_t sequence_of(std::uint64_t name) noexcept {
  return name & (most_blocks_of_a_thread - 1);
}

inline constexpr unsigned aligned_size_bits = 54;
constexpr std::uint64_t aligned_value(unsigned log2_align, std::uint64_t bytes) noexcept {
  return std::uint64_t{log2_align} << aligned_size_bits | bytes;
}

inline constexpr std::size_t most_frames = 32;
inline constexpr std::size_t words_per_stamp = 64;  // a time stamp stands in front of so many

struct RecordedProcess {
  std::uint32_t pid;
  char command[16];  // as in /proc/PID/comm when it began to record
};
inline constexpr std::uint32_t most_processes = 4096;

enum class SegmentState : std::uint32_t { free = 0, in_use = 1, full = 2 };

struct RecordingHeader {
  std::uint64_t magic;
  std::uint64_t segments, segment_bytes, first_segment;  // offsets and sizes in bytes
  std::uint32_t recorder_pid;  // churn's: while it lives, a full pool is worth waiting for
  std::uint32_t root_pid;      // the program's, written between fork and exec
  std::uint32_t children;      // 1: other processes are recorded too
  std::uint32_t unused;
  std::uint64_t bytes_per_stack;  // a stack is taken once in so many bytes; 0: never
  std::atomic<std::uint32_t> processes, threads;
  std::uint64_t first_text, text_bytes;  // where lines about modules go
  std::atomic<std::uint64_t> text_used;  // may be more than there is room for
  std::atomic<std::uint64_t> lost;       // calls that were not written down: the pool stayed full
  RecordedProcess process[most_processes];
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

struct SegmentHeader {
  std::uint32_t thread, process;
  std::uint64_t order;  // of this segment within its thread
  std::uint64_t unused[6];
};
static_assert(sizeof(SegmentHeader) == 64);

inline std::atomic<std::uint32_t>* states_of(RecordingHeader* header) noexcept {
  return reinterpret_cast<std::atomic<std::uint32_t>*>(header + 1);
}
inline SegmentHeader* segment_at(RecordingHeader* header, std::uint64_t index) noexcept {
  return reinterpret_cast<SegmentHeader*>(reinterpret_cast<std::byte*>(header) +
                                          header->first_segment + index * header->segment_bytes);
}
// Lines of "PROCESS START END ADDRESS_IN_FILE PATH", each of a mapped file.
inline char* text_of(RecordingHeader* header) noexcept {
  return reinterpret_cast<char*>(header) + header->first_text;
}
inline std::uint64_t* words_of(SegmentHeader* segment) noexcept {
  return reinterpret_cast<std::uint64_t*>(segment + 1);
}

}  // namespace churn::trace
