// What:  glibc's allocator, writing down every call for `churn record`: sizes, alignments, who
//        freed whose block, a time stamp now and then, and a sampled call stack where that was
//        asked for.
// Why:   a real program's calls can be replayed under any allocator, and read by a person.
// How:   16 bytes before each payload keep the block's name and the way back to glibc's block. Each
//        thread writes words into a segment of memory that it shares with churn
//        (harness/core/recording.hpp); nothing is waited for, and nothing but a full pool of
//        segments ever makes a call wait.
// When not: where times or memory are measured: blocks are 16 bytes larger.
// Invariants: a word of a block's making is written before anyone can have the block. Only the
//        thread itself writes its segment; a signal handler that allocates in the middle of a call
//        gets a block that is not recorded.
// Cost:  2–4 ns a call, and the page faults of 8 bytes a call.
#pragma once

#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "allocators/listed.hpp"
#include "allocators/parts/thread_end.hpp"
#include "harness/core/check.hpp"
#include "harness/core/recording.hpp"

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t align, std::size_t size);
void __libc_free(void* block);
}

namespace churn::record {

using trace::Kind;

// What a thread has of a segment. Words from `next` up to `stamp_at` need no look at the clock.
struct Writer {
  std::uint64_t *next = nullptr, *stamp_at = nullptr, *end = nullptr;
  std::uint64_t made = 0;   // blocks
  std::uint64_t order = 0;  // of the next segment
  std::int64_t bytes_to_stack = INT64_MAX;
  std::uint32_t thread = 0;
  bool attached = false, busy = false;
};

class Allocator {
 public:
  static constexpr std::string_view summary = "glibc's, writing down every call";
  static constexpr std::string_view note = "";
  static constexpr bool reuses = true;
  static constexpr std::span<ParameterInfo const> parameters = {};

  static void* allocate(std::size_t size, std::size_t align) noexcept {
    if (align > sizeof(Note)) return allocate_aligned(size, align);
    auto* const base = static_cast<std::byte*>(__libc_malloc(size + sizeof(Note)));
    if (base == nullptr) return nullptr;
    return made(base + sizeof(Note), size, 0, trace::word_of(Kind::malloc, size));
  }

  static void* allocate_zeroed(std::size_t size) noexcept {
    auto* const base = static_cast<std::byte*>(__libc_calloc(1, size + sizeof(Note)));
    if (base == nullptr) return nullptr;
    return made(base + sizeof(Note), size, 0, trace::word_of(Kind::calloc, size));
  }

  static void deallocate(void* block) noexcept {
    Note const noted = note_of(block);
    if (!noted.is_ours(block)) return __libc_free(block);
    if (noted.name() < nobody) wrote(trace::word_of(Kind::free, noted.name()));
    note_of(block) = {};  // a block that is freed twice is glibc's to find
    __libc_free(static_cast<std::byte*>(block) - noted.distance());
  }

  // What was asked for: programs may use all that they are told.
  static std::size_t usable_size(void* block) noexcept {
    Note const noted = note_of(block);
    if (!noted.is_ours(block)) return 0;
    if (noted.name() < nobody) wrote(trace::word_of(Kind::usable, noted.name()));
    return noted.size();
  }

  static void* resize(void* block, std::size_t size) noexcept {
    Note const before = note_of(block);
    if (!before.is_ours(block) || before.distance() != sizeof(Note)) return nullptr;
    note_of(block) = {};
    auto* const base = static_cast<std::byte*>(
        __libc_realloc(static_cast<std::byte*>(block) - sizeof(Note), size + sizeof(Note)));
    if (base == nullptr) {
      note_of(block) = before;
      return nullptr;
    }
    if (before.name() >= nobody)
      return made(base + sizeof(Note), size, 0, trace::word_of(Kind::malloc, size));
    return made(base + sizeof(Note), size, 0, trace::word_of(Kind::realloc, before.name()), size);
  }

  static void thread_exit() noexcept {
    Writer& writer = writer_;
    if (writer.end != nullptr) give_back(writer);
    writer = {};
  }

  static void before_fork() noexcept {}
  // A child has its parent's memory, and of its writers only the one it was made by: it writes
  // anew, as another process, or not at all.
  static void after_fork() noexcept {
    if (header_ == nullptr || getpid() == process_id_) return;
    writer_ = {};
    modules_told_.store(0, std::memory_order_relaxed);
    state_.store(header_->children != 0 ? State::unknown : State::off, std::memory_order_relaxed);
  }

 private:
  // In front of a payload. `second` also tells a block of ours from one that glibc made on its own.
  class Note {
   public:
    Note() = default;
    Note(void const* block, std::uint64_t name, unsigned log2_align, std::size_t size) noexcept
        : first_(name | std::uint64_t{log2_align} << trace::name_bits),
          second_(size << 16 | mark(block)) {}
    bool is_ours(void const* block) const noexcept { return (second_ & 0xffff) == mark(block); }
    std::uint64_t name() const noexcept { return first_ & (nobody | (nobody - 1)); }
    std::size_t size() const noexcept { return second_ >> 16; }
    std::size_t distance() const noexcept {
      std::uint64_t const log2_align = first_ >> trace::name_bits;
      return log2_align == 0 ? sizeof(Note) : std::size_t{1} << log2_align;
    }

   private:
    static std::uint64_t mark(void const* block) noexcept {
      return (reinterpret_cast<std::uintptr_t>(block) * 0x9e3779b97f4a7c15u) >> 48 | 1;
    }
    std::uint64_t first_ = 0, second_ = 0;
  };
  static_assert(sizeof(Note) == 16);

  enum class State : std::uint32_t { unknown, attaching, on, off };

  // The name of blocks that are not recorded, and of none that is.
  static constexpr std::uint64_t nobody = trace::name_of_block(trace::most_threads_recorded, 0);
  static constexpr std::size_t largest_bytes = std::size_t{1} << 47;
  // The longest event, its stack and its time stamp.
  static constexpr std::size_t words_kept_free = trace::most_frames + 8;

  static Note& note_of(void* block) noexcept { return static_cast<Note*>(block)[-1]; }

  [[gnu::cold]] static void* allocate_aligned(std::size_t size, std::size_t align) noexcept {
    if (size > largest_bytes || align > largest_bytes) return nullptr;
    auto const log2_align = static_cast<unsigned>(__builtin_ctzll(align));
    auto* const base = static_cast<std::byte*>(__libc_memalign(align, size + align));
    if (base == nullptr) return nullptr;
    return made(base + align, size, log2_align,
                trace::word_of(Kind::aligned, trace::aligned_value(log2_align, size)));
  }

  // Gives a new block its name and writes down how it came about. The first word is written last:
  // until then, the event is not there.
  CHURN_ALWAYS_INLINE static void* made(std::byte* block, std::size_t size, unsigned log2_align,
                                        std::uint64_t word, std::uint64_t second = 0) noexcept {
    Writer& writer = writer_;
    std::uint64_t name = nobody;
    if (!writer.busy) [[likely]] {
      writer.busy = true;
      std::atomic_signal_fence(std::memory_order_seq_cst);
      writer.bytes_to_stack -= static_cast<std::int64_t>(size);
      if ((writer.next < writer.stamp_at && writer.bytes_to_stack >= 0) || get_ready(writer))
          [[likely]] {
        name = trace::name_of_block(writer.thread, writer.made++);
        std::uint64_t* const at = writer.next;
        bool const two = (word & 15) == static_cast<std::uint64_t>(Kind::realloc);
        if (two) at[1] = second + 1;  // not zero
        writer.next = at + 1 + two;
        publish(at, word);
      }
      std::atomic_signal_fence(std::memory_order_seq_cst);
      writer.busy = false;
    } else {
      lose();
    }
    new (block - sizeof(Note)) Note(block, name, log2_align, size);
    return block;
  }

  CHURN_ALWAYS_INLINE static void wrote(std::uint64_t word) noexcept {
    Writer& writer = writer_;
    if (writer.busy) return lose();
    writer.busy = true;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (writer.next < writer.stamp_at || get_ready(writer)) [[likely]]
      publish(writer.next++, word);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    writer.busy = false;
  }

  static void publish(std::uint64_t* at, std::uint64_t word) noexcept {
    // Release: churn, which reads this, sees the second word too (pairs with its acquire).
    std::atomic_ref(*at).store(word, std::memory_order_release);
  }

  // Off the common path: not attached yet, a segment that is used up, a stamp or a stack that is
  // due. False: nothing can be written.
  [[gnu::noinline, gnu::cold]] static bool get_ready(Writer& writer) noexcept {
    int const before = errno;
    bool const can = ready(writer);
    errno = before;
    return can;
  }

  static bool ready(Writer& writer) noexcept {
    if (!writer.attached && !attach(writer)) return false;
    if (writer.end == nullptr || writer.end - writer.next < std::ptrdiff_t{words_kept_free} * 2) {
      if (!next_segment(writer)) {
        lose();
        return false;
      }
    }
    if (writer.next >= writer.stamp_at) stamp(writer);
    if (writer.bytes_to_stack < 0) take_stack(writer);
    return true;
  }

  static void lose() noexcept {
    if (header_ != nullptr && state_.load(std::memory_order_relaxed) == State::on) {
      header_->lost.fetch_add(1, std::memory_order_relaxed);
    }
  }

  static std::uint64_t now_ns() noexcept {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
  }

  static void stamp(Writer& writer) noexcept {
    publish(writer.next++, trace::word_of(Kind::time, now_ns()));
    std::uint64_t* const last = writer.end - words_kept_free;
    std::uint64_t* const due = writer.next + trace::words_per_stamp;
    writer.stamp_at = due < last ? due : last;
  }

  static void take_stack(Writer& writer) noexcept {
    auto const every = static_cast<std::int64_t>(header_->bytes_per_stack);
    // One for each so many bytes; what a large block is beyond that does not bring several.
    writer.bytes_to_stack += every;
    if (writer.bytes_to_stack < 0) writer.bytes_to_stack = every - 1;
    telling_ = false;
    dl_iterate_phdr(tell_modules, nullptr);
    void* frames[trace::most_frames];
    int const count = backtrace(frames, static_cast<int>(trace::most_frames));
    if (count <= 0) return;
    std::uint64_t* const at = writer.next;
    for (int i = 0; i < count; ++i) at[1 + i] = reinterpret_cast<std::uint64_t>(frames[i]);
    writer.next = at + 1 + count;
    publish(at, trace::word_of(Kind::stack, static_cast<std::uint64_t>(count)));
  }

  // Called for each mapped file in turn; ends at the first one unless some have come since.
  static int tell_modules(dl_phdr_info* info, std::size_t, void*) noexcept {
    if (info->dlpi_adds == modules_told_.load(std::memory_order_relaxed) && !telling_) return 1;
    telling_ = true;
    modules_told_.store(info->dlpi_adds, std::memory_order_relaxed);
    for (unsigned i = 0; i < info->dlpi_phnum; ++i) {
      auto const& segment = info->dlpi_phdr[i];
      if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0) {
        tell_module(info, info->dlpi_addr + segment.p_vaddr, segment.p_vaddr, segment.p_memsz);
      }
    }
    return 0;
  }

  static void tell_module(dl_phdr_info const* info, std::uint64_t start, std::uint64_t in_file,
                          std::uint64_t bytes) noexcept {
    char line[1200], path[1024] = "";
    std::size_t length = 0;
    auto const self = reinterpret_cast<std::uint64_t>(&tell_modules);
    if (self >= start && self - start < bytes) {  // preloaded under another name
      std::strcpy(path, "libchurn_record.so");
    } else if (info->dlpi_name != nullptr && *info->dlpi_name != '\0') {
      std::strncpy(path, info->dlpi_name, sizeof path - 1);
    } else if (readlink("/proc/self/exe", path, sizeof path - 1) < 0) {
      return;
    }
    for (std::uint64_t const each : {std::uint64_t{process_}, start, start + bytes, in_file}) {
      char digits[24];
      std::size_t count = 0;
      std::uint64_t rest = each;
      do digits[count++] = static_cast<char>('0' + rest % 10);
      while ((rest /= 10) != 0);
      while (count > 0) line[length++] = digits[--count];
      line[length++] = ' ';
    }
    for (char const* at = path; *at != '\0'; ++at) line[length++] = *at == '\n' ? '?' : *at;
    line[length++] = '\n';
    std::uint64_t const place = header_->text_used.fetch_add(length, std::memory_order_relaxed);
    if (place + length <= header_->text_bytes) {
      std::memcpy(trace::text_of(header_) + place, line, length);
    }
  }

  static void give_back(Writer& writer) noexcept {
    auto const offset = static_cast<std::uint64_t>(reinterpret_cast<std::byte*>(writer.end) -
                                                   reinterpret_cast<std::byte*>(header_));
    std::uint64_t const index = (offset - header_->first_segment - 1) / header_->segment_bytes;
    // Release: pairs with churn's acquire, which then reads all of it.
    trace::states_of(header_)[index].store(static_cast<std::uint32_t>(trace::SegmentState::full),
                                           std::memory_order_release);
    writer.next = writer.stamp_at = writer.end = nullptr;
  }

  static bool next_segment(Writer& writer) noexcept {
    if (writer.end != nullptr) give_back(writer);
    for (unsigned waits = 0;; ++waits) {
      if (claim(writer)) return true;
      // churn reads the oldest now; without it nobody ever will.
      if (kill(static_cast<pid_t>(header_->recorder_pid), 0) != 0 && errno == ESRCH) return false;
      timespec const a_while{0, 200'000};
      nanosleep(&a_while, nullptr);
    }
  }

  // The first that is free: what was read lately is still in the caches and in the page table.
  static bool claim(Writer& writer) noexcept {
    auto* const states = trace::states_of(header_);
    for (std::uint64_t i = 0; i < header_->segments; ++i) {
      auto expected = static_cast<std::uint32_t>(trace::SegmentState::free);
      if (states[i].load(std::memory_order_relaxed) != expected) continue;
      // Acquire: what churn zeroed is seen as zero (pairs with its release).
      if (!states[i].compare_exchange_strong(
              expected, static_cast<std::uint32_t>(trace::SegmentState::in_use),
              std::memory_order_acquire, std::memory_order_relaxed)) {
        continue;
      }
      trace::SegmentHeader* const segment = trace::segment_at(header_, i);
      segment->thread = writer.thread;
      segment->process = process_;
      segment->order = writer.order++;
      writer.next = trace::words_of(segment);
      writer.end = reinterpret_cast<std::uint64_t*>(reinterpret_cast<std::byte*>(segment) +
                                                    header_->segment_bytes);
      writer.stamp_at = writer.next;  // the first thing is a stamp
      return true;
    }
    return false;
  }

  static bool attach(Writer& writer) noexcept {
    if (!attach_process()) return false;
    std::uint32_t const thread = header_->threads.fetch_add(1, std::memory_order_relaxed);
    if (thread >= trace::most_threads_recorded) {
      lose();
      return false;
    }
    writer.thread = thread;
    writer.attached = true;
    if (header_->bytes_per_stack != 0) {
      writer.bytes_to_stack = static_cast<std::int64_t>(header_->bytes_per_stack) - 1;
    }
    allocators::ThreadEnd::arm();
    return true;
  }

  static bool attach_process() noexcept {
    for (;;) {
      State state = state_.load(std::memory_order_acquire);
      if (state == State::on || state == State::off) return state == State::on;
      if (environ == nullptr) return false;  // ld.so allocates before there is an environment
      if (state == State::unknown &&
          state_.compare_exchange_strong(state, State::attaching, std::memory_order_acquire)) {
        break;
      }
    }
    bool const on = (header_ != nullptr || map_recording()) && enter_process();
    state_.store(on ? State::on : State::off, std::memory_order_release);
    return on;
  }

  static bool map_recording() noexcept {
    char const* const path = from_environment();
    if (path == nullptr) return false;
    int const file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return false;
    struct stat status{};
    if (fstat(file, &status) == 0 &&
        status.st_size > static_cast<off_t>(sizeof(trace::RecordingHeader))) {
      void* const start = mmap(nullptr, static_cast<std::size_t>(status.st_size),
                               PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
      if (start != MAP_FAILED) header_ = static_cast<trace::RecordingHeader*>(start);
    }
    close(file);
    if (header_ != nullptr && header_->magic != trace::recording_magic) header_ = nullptr;
    return header_ != nullptr;
  }

  // getenv, which a library cannot rely on before its own start.
  static char const* from_environment() noexcept {
    std::size_t const length = sizeof trace::recording_variable - 1;
    for (char** each = environ; *each != nullptr; ++each) {
      if (std::strncmp(*each, trace::recording_variable, length) == 0 && (*each)[length] == '=') {
        return *each + length + 1;
      }
    }
    return nullptr;
  }

  static bool enter_process() noexcept {
    process_id_ = getpid();
    if (header_->children == 0 && process_id_ != static_cast<pid_t>(header_->root_pid)) {
      return false;
    }
    process_ = header_->processes.fetch_add(1, std::memory_order_relaxed);
    if (process_ >= trace::most_processes) return false;
    trace::RecordedProcess& entry = header_->process[process_];
    prctl(PR_GET_NAME, entry.command);
    // Release: who sees the number sees the name (pairs with churn's acquire).
    std::atomic_ref(entry.pid).store(static_cast<std::uint32_t>(process_id_),
                                     std::memory_order_release);
    return true;
  }

  static inline constinit thread_local Writer writer_;
  static inline constinit std::atomic<State> state_{State::unknown};
  static inline constinit trace::RecordingHeader* header_ = nullptr;
  static inline constinit std::atomic<unsigned long long> modules_told_{0};
  static inline constinit thread_local bool telling_ = false;
  static inline constinit std::uint32_t process_ = 0;
  static inline constinit pid_t process_id_ = 0;
};

static_assert(allocators::ListedAllocator<Allocator> && allocators::Resizes<Allocator> &&
              allocators::Clears<Allocator>);

}  // namespace churn::record
