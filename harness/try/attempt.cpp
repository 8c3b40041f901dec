#include "harness/try/attempt.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "harness/core/clock.hpp"
#include "harness/core/error.hpp"
#include "harness/run/environment.hpp"
#include "harness/run/supervise.hpp"
#include "harness/try/job.hpp"
#include "results/report/text.hpp"

namespace churn::trial {
namespace {

constexpr std::uint64_t ms = 1'000'000;
constexpr std::uint64_t look_every_ns = 10 * ms, share_of_looks = 100;
// So that a program that ends soon is seen with its libraries.
constexpr std::uint64_t eager_for_ns = 50 * ms, eager_every_ns = ms / 4;
constexpr std::uint64_t ready_again_ns = 50 * ms, grace_ns = 10'000 * ms, settle_ns = 5 * ms;
constexpr double ready_limit_seconds = 60;
constexpr int most_kills = 400;
// Of the tree's CPU time: processes without the library that use more make a run worthless.
constexpr double lacking_share_allowed = 0.05;

std::uint64_t ns_of(timeval const& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(time.tv_usec) * 1'000u;
}

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g s", seconds);
  return text;
}

std::vector<std::string> own_environment() {
  std::vector<std::string> result;
  for (char** each = environ; *each != nullptr; ++each) result.emplace_back(*each);
  return result;
}

bool is_variable(std::string const& entry, std::string_view name) {
  return entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name);
}

// One run, from its start to the last of its processes.
class Watch {
 public:
  Watch(Subject const& subject, Setting const& setting, std::vector<std::string> environment,
        run::Interrupt& interrupt, double time_limit_seconds, bool survey)
      : subject_(subject),
        environment_(std::move(environment)),
        interrupt_(interrupt),
        limit_seconds_(time_limit_seconds),
        setting_(setting),
        survey_(survey),
        proves_(!setting.expectation.library.empty()) {}

  Attempt run() {
    if (!prepare()) return std::move(result_);
    tree_.emplace(setting_.expectation, survey_);  // what preparing left is no part of it
    rusage before{};
    getrusage(RUSAGE_SELF, &before);
    own_peak_bytes_ = static_cast<std::uint64_t>(before.ru_maxrss) * 1024;
    result_.started_ns = read_clock_ns(CLOCK_REALTIME);
    run::Launch launch;
    launch.program = subject_.program;
    launch.arguments = subject_.command;
    launch.environment = environment_;
    launch.input = subject_.input;
    launch.exchange = false;
    program_.emplace(launch, subject_.is_server() ? std::string() : subject_.metric);
    tree_->begin(program_->id());
    deadline_ns_ =
        limit_seconds_ > 0 ? now_ns() + static_cast<std::uint64_t>(limit_seconds_ * 1e9) : never;
    subject_.is_server() ? serve() : await_end();
    end_all();
    if (!result_.interrupted) conclude();
    return std::move(result_);
  }

 private:
  static constexpr std::uint64_t never = ~std::uint64_t{0};
  enum class Why { ended, program_ended, interrupted, late, too_big };

  // ---- before ----

  bool prepare() {
    if (subject_.prepare.empty()) return true;
    run::Launch const launch = Job::shell(subject_.prepare, own_environment());
    std::uint64_t const now = now_ns();
    run::Ended const ended = run::supervise(run::spawn(launch), now, {}, interrupt_);
    result_.interrupted = ended.how == run::Ended::How::interrupted;
    if (result_.interrupted) return false;
    if (ended.how == run::Ended::How::exited && ended.status == 0) return true;
    throw UserError("--prepare '" + subject_.prepare + "' failed" +
                    (ended.words.empty() ? "" : ", it said: " + report::visible(ended.words)));
  }

  // ---- while it runs ----

  // Until the job has ended, the program has, or that time has come.
  Why wait(Job const* awaited, std::uint64_t until_ns) {
    for (;;) {
      if (awaited != nullptr && awaited->ended()) return Why::ended;
      if (program_->ended() && !stopping_) return Why::program_ended;
      if (interrupt_.requested()) return Why::interrupted;
      std::uint64_t const now = now_ns();
      if (now >= until_ns) return Why::late;
      if (now >= next_look_ns_) {
        look();
        bool const capped = subject_.memory_cap_bytes != 0;
        if (capped && tree_->memory_bytes() > subject_.memory_cap_bytes) return Why::too_big;
      }
      sleep_until(std::min(next_look_ns_, until_ns));
      reap();
    }
  }

  void sleep_until(std::uint64_t until_ns) {
    std::uint64_t const now = now_ns(), rest = until_ns > now ? until_ns - now : 0;
    timespec const timeout{static_cast<time_t>(rest / 1'000'000'000),
                           static_cast<long>(rest % 1'000'000'000)};
    // A negative descriptor is passed over.
    pollfd waits[5] = {{interrupt_.descriptor(), POLLIN, 0}};
    std::size_t count = 1;
    for (Job const* const each : {&*program_, helper_}) {
      if (each == nullptr) continue;
      waits[count++] = {each->ended() ? -1 : each->ended_descriptor(), POLLIN, 0};
      waits[count++] = {each->words_descriptor(), POLLIN, 0};
    }
    ppoll(waits, count, &timeout, nullptr);
    program_->read_words();
    if (helper_ != nullptr) helper_->read_words();
  }

  // Whoever has ended; this process also gets what lost its parent.
  void reap() {
    std::uint64_t const now = now_ns();
    int status = 0;
    rusage usage{};
    for (pid_t each = 0; (each = wait4(-1, &status, WNOHANG, &usage)) > 0;) {
      if (each == program_->id()) {
        program_->end(status, usage, now);
        charge(usage);
      } else if (helper_ != nullptr && each == helper_->id()) {
        helper_->end(status, usage, now);
      } else {
        charge(usage);
      }
    }
  }

  void charge(rusage const& usage) {
    result_.system_ns += ns_of(usage.ru_stime);
    result_.cpu_ns += ns_of(usage.ru_utime) + ns_of(usage.ru_stime);
    result_.minor_faults += static_cast<std::uint64_t>(usage.ru_minflt);
    result_.major_faults += static_cast<std::uint64_t>(usage.ru_majflt);
    auto const most = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
    if (most > own_peak_bytes_) result_.peak_bytes = std::max(result_.peak_bytes, most);
  }

  void look() {
    // In CPU time: who waits for a processor does not disturb.
    std::uint64_t const began = now_ns(), cpu_before_ns = process_cpu_ns();
    tree_->look();
    std::uint64_t const cost_ns = process_cpu_ns() - cpu_before_ns, now = now_ns();
    std::uint64_t const age = began - program_->started_ns();
    note_memory(age, tree_->memory_bytes());
    bool const eager = age < eager_for_ns && proves_ && tree_->root_proof() == Proof::open;
    next_look_ns_ =
        now + (eager ? eager_every_ns : std::max(look_every_ns, share_of_looks * cost_ns));
  }

  // Two neighbours become the larger one when there are too many; from then on as many are merged
  // as they come.
  void note_memory(std::uint64_t at_ns, std::uint64_t bytes) {
    if (bytes == 0) return;
    result_.peak_bytes = std::max(result_.peak_bytes, bytes);
    auto& line = result_.time_line;
    if (merged_++ % readings_each_ != 0 && !line.empty()) {
      if (bytes > line.back().second) line.back() = {at_ns, bytes};
      return;
    }
    line.emplace_back(at_ns, bytes);
    if (line.size() < most_readings) return;
    for (std::size_t i = 0; i + 1 < line.size(); i += 2) {
      line[i / 2] = line[i].second >= line[i + 1].second ? line[i] : line[i + 1];
    }
    line.resize(line.size() / 2);
    readings_each_ *= 2;
    merged_ = 0;
  }

  // ---- its end ----

  std::string within() const { return " within " + seconds_text(limit_seconds_); }

  void fail(Outcome outcome, std::string reason) {
    if (result_.outcome != Outcome::ok) return;
    result_.outcome = outcome;
    result_.reason = std::move(reason);
  }

  // False: the run is over. `late` is said where it took too long.
  bool goes_on(Why why, std::string const& late) {
    if (why == Why::interrupted) result_.interrupted = true;
    if (why == Why::late) {
      fail(Outcome::timed_out, late + program_->last_lines());
    }
    if (why == Why::too_big) {
      fail(Outcome::out_of_memory, "reached " + std::to_string(tree_->memory_bytes() >> 20) +
                                       " MiB" + program_->last_lines());
    }
    if (why == Why::program_ended && subject_.is_server()) {
      fail(Outcome::crashed, "the server " + program_->how() + program_->last_lines());
    }
    return why == Why::ended;
  }

  void await_end() {
    if (!goes_on(wait(&*program_, deadline_ns_), "did not end" + within())) return;
    result_.wall_ns = program_->wall_ns();
    result_.own_figure = program_->own_figure();
    if (!program_->well()) fail(Outcome::crashed, program_->how() + program_->last_lines());
  }

  void serve() {
    std::uint64_t const ready_until_ns =
        std::min(deadline_ns_, now_ns() + static_cast<std::uint64_t>(ready_limit_seconds * 1e9));
    for (bool ready = false; !ready;) {
      Job check(Job::shell(subject_.ready, own_environment()), "");
      ready = help(check, ready_until_ns, "the server was not ready in time") && check.well();
      if (result_.interrupted || result_.outcome != Outcome::ok) return;
      if (ready) break;
      Why const why = wait(nullptr, std::min(now_ns() + ready_again_ns, ready_until_ns));
      if (why != Why::late && !goes_on(why, "")) return;
    }
    result_.spawn_to_ready_ns = now_ns() - program_->started_ns();
    Job load(Job::shell(subject_.load, own_environment()), subject_.metric);
    if (!help(load, deadline_ns_, "the load did not end" + within())) return;
    result_.wall_ns = load.wall_ns();
    result_.own_figure = load.own_figure();
    if (!load.well()) fail(Outcome::crashed, "the load " + load.how() + load.last_lines());
    stop();
  }

  // Runs a helper to its end; whatever happens, none of it is left.
  bool help(Job& job, std::uint64_t until_ns, std::string const& late) {
    tree_->leave_out(job.id());
    helper_ = &job;
    bool const done = goes_on(wait(&job, until_ns), late);
    kill(-job.id(), SIGKILL);
    for (int i = 0; i < most_kills && !job.ended(); ++i) sleep_until(now_ns() + settle_ns), reap();
    helper_ = nullptr;
    return done;
  }

  void stop() {
    if (program_->ended()) return fail(Outcome::crashed, "the server " + program_->how());
    look();
    stopping_ = true;
    kill(program_->id(), subject_.stop_signal);
    Why const why = wait(&*program_, now_ns() + grace_ns);
    if (why == Why::late) {
      result_.remarks.insert("the server did not end within " + seconds_text(grace_ns / 1e9) +
                             " of " + run::spelled_signal(subject_.stop_signal) +
                             " and was killed");
      return;
    }
    if (!goes_on(why, "")) return;
    bool const by_us =
        WIFSIGNALED(program_->status()) && WTERMSIG(program_->status()) == subject_.stop_signal;
    if (!program_->well() && !by_us) {
      fail(Outcome::crashed,
           "when it was stopped, the server " + program_->how() + program_->last_lines());
    }
  }

  // Nothing of it is left when this returns.
  void end_all() {
    stopping_ = true;
    tree_->look();
    if (std::size_t const left = tree_->alive().size(); program_->ended() && left != 0) {
      result_.remarks.insert("it left " + std::to_string(left) +
                             (left == 1 ? " process" : " processes") +
                             " running, which were killed");
    }
    for (int i = 0; i < most_kills; ++i) {
      for (pid_t const each : tree_->alive()) kill(each, SIGKILL);
      if (!program_->ended()) kill(-program_->id(), SIGKILL);
      reap();
      tree_->look();
      if (program_->ended() && tree_->alive().empty()) return;
      sleep_until(now_ns() + settle_ns);
    }
  }

  void conclude() {
    std::set<pid_t> all, lacking, proved;
    double ticks = 0, lacking_ticks = 0;
    std::string worst;
    for (Image const& each : tree_->images()) {
      all.insert(each.process);
      ticks += static_cast<double>(each.cpu_ticks);
      if (each.proof == Proof::proved) proved.insert(each.process);
      if (each.proof != Proof::lacking) continue;
      lacking.insert(each.process);
      lacking_ticks += static_cast<double>(each.cpu_ticks);
      worst = each.name + ", a process of it, " + each.why_lacking;
      result_.remarks.insert(worst);
    }
    result_.processes = static_cast<std::uint32_t>(all.size());
    result_.proved = static_cast<std::uint32_t>(proved.size());
    result_.mapped_files = tree_->mapped_files();
    if (!subject_.metric.empty() && result_.outcome == Outcome::ok && !result_.own_figure) {
      fail(Outcome::wrong_answer,
           "--metric '" + subject_.metric + "' found no number in it" + program_->last_lines());
    }
    if (result_.own_figure && *result_.own_figure <= 0) {
      fail(Outcome::wrong_answer, "--metric '" + subject_.metric +
                                      "' found a number that is not above zero, so that there are "
                                      "no ratios");
    }
    if (!proves_) return;
    if (tree_->root_proof() == Proof::lacking) {
      fail(Outcome::unproved, tree_->why_root_lacks() + ": its malloc is not the one asked for");
    } else if (tree_->root_proof() == Proof::open) {
      fail(Outcome::unproved, "ended before its libraries could be seen in /proc");
    } else if (lacking_ticks > lacking_share_allowed * ticks) {
      char share[32];
      std::snprintf(share, sizeof share, "%.0f %%", 100 * lacking_ticks / ticks);
      fail(Outcome::unproved,
           std::string(share) + " of the CPU time was spent without the allocator: " + worst);
    }
  }

  Subject const& subject_;
  std::vector<std::string> const environment_;
  run::Interrupt& interrupt_;
  double const limit_seconds_;
  Setting const& setting_;
  bool const survey_;
  std::optional<ProcessTree> tree_;
  bool const proves_;
  std::optional<Job> program_;
  Job* helper_ = nullptr;
  std::uint64_t deadline_ns_ = never, next_look_ns_ = 0, own_peak_bytes_ = 0;
  std::size_t merged_ = 0, readings_each_ = 1;
  bool stopping_ = false;
  Attempt result_;
};

}  // namespace

Attempts::Attempts(Subject const& subject, std::vector<Setting> const& settings,
                   run::Interrupt& interrupt)
    : subject_(subject), interrupt_(interrupt) {
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
    throw UserError(std::string("cannot adopt what a program leaves behind: ") +
                    std::strerror(errno));
  }
  for (Setting const& each : settings) {
    std::size_t const bytes =
        run::stack_bytes(subject_.program, subject_.command, environment_of(each)) +
        run::least_padding_bytes();
    total_bytes_ = std::max(total_bytes_, bytes);
  }
}

std::vector<std::string> Attempts::environment_of(Setting const& setting) const {
  std::vector<std::string> result;
  std::string preload = setting.preload;
  for (std::string& each : own_environment()) {
    bool const replaced =
        std::any_of(setting.environment.begin(), setting.environment.end(),
                    [&](auto const& variable) { return is_variable(each, variable.first); });
    if (replaced || is_variable(each, run::padding_variable)) continue;
    if (is_variable(each, "LD_PRELOAD")) {
      preload += (preload.empty() ? "" : ":") + each.substr(sizeof "LD_PRELOAD=" - 1);
    } else {
      result.push_back(std::move(each));
    }
  }
  for (auto const& [name, value] : setting.environment) result.push_back(name + '=' + value);
  if (!preload.empty()) result.push_back("LD_PRELOAD=" + preload);
  return result;
}

Attempt Attempts::run(Setting const& setting, double time_limit_seconds, bool survey) {
  auto environment =
      run::padded(subject_.program, subject_.command, environment_of(setting), total_bytes_);
  return Watch(subject_, setting, std::move(environment), interrupt_, time_limit_seconds, survey)
      .run();
}

}  // namespace churn::trial
