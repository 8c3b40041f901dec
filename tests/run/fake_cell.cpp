// A cell program that misbehaves on request: the variable FAKE says how. Without it, it answers
// like a real one, with figures that follow from the request alone. Uses no part of churn, so that
// a mistake in the protocol is not made on both sides.
#include <fcntl.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

extern char** environ;

namespace {

std::string request;
int record_file = -1;

unsigned long long number(char const* key) {
  std::size_t const at = request.find(std::string("\"") + key + "\":");
  return at == std::string::npos
             ? 0
             : std::strtoull(request.c_str() + at + std::strlen(key) + 3, nullptr, 10);
}

std::string word(char const* key) {
  std::size_t const at = request.find(std::string("\"") + key + "\":\"");
  if (at == std::string::npos) return "";
  std::size_t const begin = at + std::strlen(key) + 4;
  return request.substr(begin, request.find('"', begin) - begin);
}

void send(std::string const& text) {
  std::size_t sent = 0;
  while (sent < text.size()) {
    ssize_t const step = write(record_file, text.data() + sent, text.size() - sent);
    if (step <= 0) _exit(9);
    sent += static_cast<std::size_t>(step);
  }
}

std::string list(unsigned long long length, unsigned long long each, unsigned long long step = 1) {
  std::string result = "[";
  for (unsigned long long i = 0; i < length; ++i) {
    if (i > 0) result += ',';
    result += std::to_string(each + i * step);
  }
  return result + "]";
}

// A sample's CPU time in mode split: 20 ops of 10 ns, and what the parts add; 20 ns of new pages.
unsigned long long split_sample_ns(unsigned long long planted_ns) {
  auto const has = [](char const* part) { return request.find(part) != std::string::npos; };
  bool const allocates = has("\"allocation\""), has_barriers = has("\"barriers\"");
  unsigned long long op_ns = 10;
  if (allocates) op_ns += 12;
  if (has_barriers) op_ns += 4 + planted_ns;
  if (allocates && has_barriers) op_ns += 3;
  if (has("\"reclamation\"")) op_ns -= 5;
  return 20 * op_ns + 20;
}

// `growth` is of what its heap holds, from sample to sample.
std::string good_record(unsigned long long checksum_offset = 0, unsigned long long growth = 1,
                        unsigned long long planted_ns = 0) {
  unsigned long long const units = number("units"), samples = number("samples");
  char checksum[24];
  std::snprintf(checksum, sizeof checksum, "%016llx",
                units * 31 + number("seed") + checksum_offset);
  std::string const mode = word("mode");
  std::string text = "{\"protocol\":1,\"outcome\":\"ok\",\"reason\":\"\",\"mode\":\"" + mode +
                     "\",\"workload\":\"" + word("workload") +
                     "\",\"threads\":" + std::to_string(number("threads")) +
                     ",\"units\":" + std::to_string(units) +
                     ",\"samples\":" + std::to_string(samples) +
                     ",\"ops_per_unit\":10,\"checksum\":\"" + checksum + "\"";
  if (mode == "pilot") {
    text += ",\"slice_units\":8,\"slice_ns\":" + std::to_string(number("target_ns"));
  } else if (mode == "count") {
    unsigned long long const unit_bytes = number("unit_bytes");
    unsigned long long const warm = 5000 + unit_bytes * number("warmup_units");
    text += ",\"peak_live_bytes\":4096,\"total_bytes_warm\":" + std::to_string(warm) +
            ",\"total_bytes\":" + std::to_string(warm + unit_bytes * units) + ",\"calls\":1";
  } else if (mode == "presence") {
    text += ",\"present_objects\":" + list(samples, 100, growth) +
            ",\"present_bytes\":" + list(samples, 800, 8 * growth);
  } else if (mode == "split") {
    text += ",\"sample_cpu_ns\":" + list(samples, split_sample_ns(planted_ns), 0) +
            ",\"minor_faults\":8,\"first_touch\":{\"ns\":1000,\"pages\":100}";
  } else if (mode == "life") {
    bool const keeps = request.find("\"keep_one_of\":100,") != std::string::npos;
    std::string const left = keeps ? "3000" : "2000";
    text += ",\"rss_before_free_bytes\":4000,\"rss_after_free\":[[0," + left +
            "],[100,1500],[1000," + "1200],[" + (growth == 1 ? "5000" : "6000") + ",1000]]";
  } else {
    text +=
        ",\"clock_setup_ns\":18446744073709551615,\"setup_ns\":1,\"sample_ns\":" +
        list(samples, 1000) + ",\"sample_cpu_ns\":" + list(samples, 900) +
        ",\"rss_time_line\":[[0,4096],[1000,8192]],\"user_ns\":1,\"system_ns\":640,"
        "\"minor_faults\":7,\"major_faults\":0,\"rss_start_bytes\":4096,"
        "\"peak_rss_bytes\":12288,\"workload_figures\":{\"unshared_pages\":12},"
        "\"collector_stats\":{\"collections\":[4,2,1],"
        "\"reclaimed_objects\":[40,20,10],\"collections_in_samples\":7,"
        "\"unreclaimed_at_end_objects\":3,\"unreclaimed_at_end_bytes\":96,\"pause\":{\"count\":7,"
        "\"p50_ns\":50,\"p99_ns\":99,\"max_ns\":100,\"total_ns\":420,"
        "\"buckets\":[[50,4],[100,3]]}}";
  }
  return text + "}\n";
}

[[noreturn]] void hang() {
  for (;;) pause();
}

void say(std::string const& text) {
  if (write(STDERR_FILENO, text.data(), text.size()) < 0) _exit(9);
}

// What the process was given, as far as it can see: for the rules about its surroundings.
void describe_surroundings(char** argv) {
  std::size_t bytes = std::strlen(reinterpret_cast<char const*>(getauxval(AT_EXECFN))) + 1;
  for (char** each = argv; *each != nullptr; ++each) bytes += std::strlen(*each) + 1 + sizeof *each;
  std::string names;
  for (char** each = environ; *each != nullptr; ++each) {
    bytes += std::strlen(*each) + 1 + sizeof *each;
    names += std::string(*each, std::strcspn(*each, "=")) + ",";
  }
  rlimit core, data;
  getrlimit(RLIMIT_CORE, &core);
  getrlimit(RLIMIT_DATA, &data);
  char input;
  int open_files = 0;
  for (int i = 3; i < 256; ++i) open_files += fcntl(i, F_GETFD) >= 0 ? 1 : 0;
  say("stack " + std::to_string(bytes) + " names " + names + " leader " +
      std::to_string(getpgrp() == getpid()) + " input " +
      std::to_string(read(STDIN_FILENO, &input, 1)) + " core " + std::to_string(core.rlim_cur) +
      " data " + std::to_string(data.rlim_cur) + " files " + std::to_string(open_files) + "\n");
}

void grow_until_killed() {
  // Shared pages are resident but no data of this process: the limit does not see them, a poll
  // does.
  std::size_t const step = std::size_t{1} << 20;
  for (;;) {
    void* const more =
        mmap(nullptr, step, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (more == MAP_FAILED) hang();
    std::memset(more, 1, step);
    usleep(1000);  // 1 GB/s at most: a slow poll must not cost the machine its memory
  }
}

void run_out_of_memory() {
  for (;;) {
    void* const more = std::malloc(1 << 20);
    if (more != nullptr) continue;
    send("{\"protocol\":1,\"outcome\":\"out-of-memory\",\"reason\":\"malloc gave NULL\"}\n");
    _exit(70);
  }
}

void leave_a_child_behind() {
  if (fork() == 0) hang();
}

[[noreturn]] void misbehave(std::string const& how, char** argv) {
  if (how == "trap") {
    say("about to fall\nfirst and last words\n");
    raise(SIGSEGV);
  }
  if (how == "hang") hang();
  if (how == "silent") _exit(0);
  if (how == "status") _exit(3);
  if (how == "garbage") send("\x01\x02 not json {{{");
  if (how == "half") send(good_record().substr(0, 120));
  if (how == "deep") send(std::string(200'000, '['));
  if (how == "negative") send("{\"protocol\":1,\"outcome\":\"ok\",\"reason\":-3}");
  if (how == "protocol") send("{\"protocol\":99,\"outcome\":\"ok\",\"reason\":\"\"}");
  if (how == "fewer") {
    std::string text = good_record();
    text.replace(text.find("\"sample_ns\":["), 13, "\"sample_ns\":[1,");
    send(text);
  }
  if (how == "wrong") send(good_record(1));
  if (how == "hoards") send(good_record(0, 11));
  if (how == "loses") send(good_record(0, 0));
  if (how == "barriers") send(good_record(0, 1, 7));
  if (how == "no-pages") {
    std::string text = good_record();
    text.replace(text.find("\"pages\":100"), 11, "\"pages\":0");
    send(text);
  }
  if (how == "figures") {
    std::string text = good_record();
    text.replace(text.find("unshared_pages"), 14, "no_such_metric");
    send(text);
  }
  if (how == "late") {
    send(good_record());
    std::abort();
  }
  if (how == "endless-record") {
    std::string const block(std::size_t{1} << 20, '[');
    for (;;) send(block);
  }
  if (how == "talk") {
    for (;;) say("chatter chatter chatter chatter\n");
  }
  if (how == "grow") grow_until_killed();
  if (how == "null") run_out_of_memory();
  if (how == "orphan") {
    leave_a_child_behind();
    send(good_record());
  }
  if (how == "surroundings") describe_surroundings(argv);
  if (how == "interrupt") {
    kill(getppid(), SIGINT);
    hang();
  }
  _exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::string const argument = argv[i];
    std::size_t const equals = argument.find('=');
    if (argument.starts_with("--churn_request=")) {
      std::ifstream file(argument.substr(equals + 1));
      request.assign(std::istreambuf_iterator<char>(file), {});
    }
    if (argument.starts_with("--churn_record=")) {
      record_file =
          open(argument.c_str() + equals + 1, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    }
  }
  if (record_file < 0 || request.empty()) return 2;
  // As strict as a real one.
  bool const has_target = request.find("\"target_ns\":") != std::string::npos;
  if (has_target != (word("mode") == "pilot")) return 2;
  if (number("samples") == 0 || number("units") % number("samples") != 0) return 2;
  // FAKE_MODE limits the misbehaviour to one mode; timed invocations where it is not set.
  char const* const how = std::getenv("FAKE");
  char const* const mode = std::getenv("FAKE_MODE");
  bool const meant =
      word("mode") == (mode == nullptr ? "time" : mode) || (mode != nullptr && *mode == '*');
  if (how != nullptr && meant) misbehave(how, argv);
  send(good_record());
  return 0;
}
