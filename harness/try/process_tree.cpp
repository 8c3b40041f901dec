#include "harness/try/process_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "harness/run/descriptor.hpp"
#include "harness/run/environment.hpp"
#include "harness/trace/record.hpp"

namespace churn::trial {
namespace {

// A process with more mappings than this is not asked for them.
constexpr std::size_t most_maps_bytes = std::size_t{16} << 20;

std::string path_of(pid_t process, char const* what) {
  return "/proc/" + std::to_string(process) + "/" + what;
}

// Empty for what has ended or may not be read.
std::string text_of(std::string const& path, std::size_t most = most_maps_bytes) {
  run::Descriptor const file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  char buffer[16384];
  ssize_t got = 0;
  while (file && text.size() < most && (got = read(file.number(), buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}

std::vector<pid_t> all_processes() {
  std::vector<pid_t> all;
  std::unique_ptr<DIR, int (*)(DIR*)> const proc(opendir("/proc"), closedir);
  while (dirent const* const entry = proc ? readdir(proc.get()) : nullptr) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    all.push_back(static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10)));
  }
  std::sort(all.begin(), all.end());
  return all;
}

std::uint64_t number_in(std::string_view text) {
  std::uint64_t value = 0;
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

struct Resident {
  std::uint64_t anonymous_bytes = 0, shared_bytes = 0;  // of no file; of files and shared memory
};

Resident resident(pid_t process) {
  std::string const text = text_of(path_of(process, "statm"));
  auto const page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  std::string_view rest = text;
  auto const next = [&rest] {
    rest.remove_prefix(std::min(rest.find(' '), rest.size()));
    std::uint64_t const value = number_in(rest);
    rest.remove_prefix(std::min<std::size_t>(1, rest.size()));
    return value;
  };
  Resident found;
  std::uint64_t const all_bytes = next() * page;
  found.shared_bytes = next() * page;
  // The kernel counts them apart, and not at the same moment.
  found.anonymous_bytes = all_bytes - std::min(all_bytes, found.shared_bytes);
  return found;
}

// Its share of pages that belong to no file; where the kernel does not tell, all of them.
std::uint64_t proportional_bytes(pid_t process, Resident const& found) {
  constexpr std::string_view key = "\nPss_Anon:";
  std::string const text = text_of(path_of(process, "smaps_rollup"));
  std::size_t const at = text.find(key);
  if (at == std::string::npos) return found.anonymous_bytes;
  return number_in(std::string_view(text).substr(at + key.size())) * 1024;
}

bool is_glibc(std::string_view file) {
  std::string_view const name = file.substr(file.find_last_of('/') + 1);
  return name == "libc.so.6" || (name.starts_with("libc-2.") && name.ends_with(".so"));
}

// The files that have code in the process.
std::set<std::string> files_in(std::string const& maps) {
  std::set<std::string> files;
  for (std::string_view rest = maps; !rest.empty();) {
    std::size_t const end = std::min(rest.find('\n'), rest.size());
    std::string_view const line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    std::size_t const slash = line.find('/'), blank = line.find(' ');
    if (slash == std::string_view::npos || blank == std::string_view::npos) continue;
    if (line.size() > blank + 3 && line[blank + 3] == 'x') files.emplace(line.substr(slash));
  }
  return files;
}

// Whether a process began with this in front of its LD_PRELOAD. Open where its environment is not
// to be seen any more: programs that rename themselves write over it.
Proof began_with(pid_t process, std::string const& preload) {
  std::string const environment = std::string(1, '\0') + text_of(path_of(process, "environ"));
  auto const has = [&](std::string const& start) {
    return environment.find(std::string(1, '\0') + start) != std::string::npos;
  };
  for (char const* const after : {":", " "}) {
    if (has("LD_PRELOAD=" + preload + after)) return Proof::proved;
  }
  if (has("LD_PRELOAD=" + preload + '\0')) return Proof::proved;
  return has(std::string(run::padding_variable) + "=") ? Proof::lacking : Proof::open;
}

}  // namespace

struct ProcessTree::Status {
  std::string name;
  char state = 'X';
  pid_t parent = 0;
  std::uint64_t cpu_ticks = 0, start_code = 0;
};

bool ProcessTree::read_status(pid_t process, Status& status) {
  std::string const text = text_of(path_of(process, "stat"));
  std::size_t const open = text.find('('), close = text.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return false;
  status.name = text.substr(open + 1, close - open - 1);
  // proc(5) counts from 1; the state is field 3.
  std::string_view rest = std::string_view(text).substr(close + 1);
  for (int field = 3; !rest.empty() && field <= 26; ++field) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    std::size_t const end = std::min(rest.find(' '), rest.size());
    std::string_view const word = rest.substr(0, end);
    rest.remove_prefix(end);
    if (field == 3 && !word.empty()) status.state = word[0];
    if (field == 4) status.parent = static_cast<pid_t>(number_in(word));
    if (field == 14 || field == 15) status.cpu_ticks += number_in(word);
    if (field == 26) status.start_code = number_in(word);
  }
  return true;
}

ProcessTree::ProcessTree(Expectation expectation, bool survey)
    : expectation_(std::move(expectation)), survey_(survey) {
  for (pid_t const each : all_processes()) strangers_.insert(each);
}

void ProcessTree::begin(pid_t root) {
  root_ = root;
  strangers_.erase(root);
  members_[root];
}

void ProcessTree::leave_out(pid_t process) { strangers_.insert(process); }

void ProcessTree::look() {
  std::vector<pid_t> const all = all_processes();
  std::erase_if(strangers_,
                [&](pid_t each) { return !std::binary_search(all.begin(), all.end(), each); });
  for (auto& [process, member] : members_) {
    member.alive = std::binary_search(all.begin(), all.end(), process);
  }
  find_new(all);
  for (auto& [process, member] : members_) {
    if (member.alive) update(process, member);
  }
  for (auto each = members_.begin(); each != members_.end();) {
    if (each->second.alive) {
      ++each;
      continue;
    }
    past_.push_back(std::move(each->second.image));
    each = members_.erase(each);
  }
  weigh();
}

// Until nothing changes: a child may have a lower number than its parent. Whose parent is neither
// known nor a stranger has a parent that began since; it is asked again at the next look.
void ProcessTree::find_new(std::vector<pid_t> const& all) {
  std::vector<std::pair<pid_t, pid_t>> unknown;  // with their parents
  for (pid_t const each : all) {
    Status status;
    if (members_.contains(each) || strangers_.contains(each)) continue;
    if (read_status(each, status)) unknown.emplace_back(each, status.parent);
  }
  for (std::size_t before = unknown.size() + 1; unknown.size() < before;) {
    before = unknown.size();
    std::erase_if(unknown, [&](auto const& pair) {
      auto const [process, parent] = pair;
      if (parent == getpid() || members_.contains(parent)) return members_[process], true;
      return (parent <= 1 || strangers_.contains(parent)) && strangers_.insert(process).second;
    });
  }
}

void ProcessTree::update(pid_t process, Member& member) {
  Status status;
  if (!read_status(process, status)) {
    member.alive = false;
    return;
  }
  Image& image = member.image;
  // What is about to become a zombie has no memory any more, and so no code.
  member.zombie = status.state == 'Z' || status.state == 'X' || status.start_code == 0;
  bool const other = member.start_code != status.start_code || image.name != status.name;
  if (!member.zombie && other) {
    if (image.process != 0) {
      past_.push_back(image);
      member.ticks_before += image.cpu_ticks;
      member.first = false;
    }
    image = {process, status.name, Proof::open, {}, 0};
    member.start_code = status.start_code;
  }
  image.cpu_ticks = status.cpu_ticks - std::min(member.ticks_before, status.cpu_ticks);
  bool const asks = image.proof == Proof::open && !expectation_.library.empty();
  if (!member.zombie && (asks || survey_)) prove(process, image, process == root_ && member.first);
  if (process == root_) root_image_ = image;
}

void ProcessTree::prove(pid_t process, Image& image, bool started_by_us) {
  std::set<std::string> const files = files_in(text_of(path_of(process, "maps")));
  if (survey_) mapped_files_.insert(files.begin(), files.end());
  if (expectation_.library.empty() || image.proof != Proof::open) return;
  bool const has_glibc = std::any_of(files.begin(), files.end(), is_glibc);
  bool const has_library = files.contains(expectation_.library);
  if (has_library) {
    bool const by_file = expectation_.preload.empty() || started_by_us;
    image.proof = by_file ? Proof::proved : began_with(process, expectation_.preload);
  } else if (has_glibc) {
    image.proof = Proof::lacking;
  }
  if (image.proof == Proof::lacking) {
    image.why_lacking = "was started without the preload";
  } else if (!has_glibc) {
    image.why_lacking = trace::why_not_preloadable(path_of(process, "exe"));
    if (!image.why_lacking.empty()) image.proof = Proof::lacking;
  }
}

void ProcessTree::weigh() {
  std::vector<pid_t> const processes = alive();
  std::uint64_t anonymous = 0, shared = 0;
  for (pid_t const each : processes) {
    Resident const found = resident(each);
    shared = std::max(shared, found.shared_bytes);
    anonymous += processes.size() == 1 ? found.anonymous_bytes : proportional_bytes(each, found);
  }
  memory_bytes_ = anonymous + shared;
}

Proof ProcessTree::root_proof() const {
  return expectation_.library.empty() ? Proof::proved : root_image_.proof;
}

std::string const& ProcessTree::why_root_lacks() const { return root_image_.why_lacking; }

std::vector<Image> ProcessTree::images() const {
  std::vector<Image> all = past_;
  for (auto const& [process, member] : members_) all.push_back(member.image);
  std::erase_if(all, [](Image const& each) { return each.process == 0; });
  return all;
}

std::vector<pid_t> ProcessTree::alive() const {
  std::vector<pid_t> result;
  for (auto const& [process, member] : members_) {
    if (member.alive && !member.zombie) result.push_back(process);
  }
  return result;
}

}  // namespace churn::trial
