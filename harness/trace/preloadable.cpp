// Whether ld.so will preload anything into a program: asked before it is started, since a static
// program ignores LD_PRELOAD without a word.
#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

#include "harness/core/error.hpp"
#include "harness/trace/record.hpp"

namespace churn::trace {
namespace {

constexpr std::size_t most_segments_of_program = 256;

bool is_executable_file(std::string const& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         access(path.c_str(), X_OK) == 0;
}

template <class T>
bool read_at(std::ifstream& file, std::uint64_t offset, T& into) {
  file.clear();
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(reinterpret_cast<char*>(&into), sizeof into);
  return file.gcount() == static_cast<std::streamsize>(sizeof into);
}

std::string interpreter_of(std::ifstream& file) {
  file.clear();
  file.seekg(2);
  std::string line;
  std::getline(file, line);
  line.resize(std::min(line.size(), std::size_t{4096}));
  std::size_t const first = line.find_first_not_of(" \t");
  if (first == std::string::npos) return {};
  return line.substr(first, line.find_first_of(" \t\r", first) - first);
}

std::string why_not(std::string const& path, int depth) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) return {};
  bool const other_user = (status.st_mode & S_ISUID) != 0 && status.st_uid != geteuid();
  bool const other_group = (status.st_mode & S_ISGID) != 0 && status.st_gid != getegid();
  if (other_user || other_group) return "is set-uid or set-gid";
  std::ifstream file(path, std::ios::binary);
  char magic[4] = {};
  if (!read_at(file, 0, magic)) return {};
  if (magic[0] == '#' && magic[1] == '!' && depth < 4)
    return why_not(interpreter_of(file), depth + 1);
  if (std::memcmp(magic, ELFMAG, SELFMAG) != 0) return {};
  Elf64_Ehdr header{};
  if (!read_at(file, 0, header)) return {};
  if (header.e_ident[EI_CLASS] != ELFCLASS64) return "is a program of 32 bits";
  for (std::size_t i = 0; i < std::min<std::size_t>(header.e_phnum, most_segments_of_program);
       ++i) {
    Elf64_Phdr segment{};
    if (!read_at(file, header.e_phoff + i * sizeof segment, segment)) return {};
    if (segment.p_type == PT_INTERP) return {};
  }
  return "is statically linked";
}

}  // namespace

std::string why_not_preloadable(std::string const& path) { return why_not(path, 0); }

std::string find_program(std::string const& name) {
  if (name.find('/') != std::string::npos) {
    if (is_executable_file(name)) return name;
    throw UserError("cannot start \"" + name + "\": it is no program that can be executed");
  }
  char const* const path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "/usr/bin:/bin";
  while (!name.empty()) {
    std::size_t const colon = rest.find(':');
    std::string const directory(rest.substr(0, colon));
    std::string const candidate = (directory.empty() ? "." : directory) + "/" + name;
    if (is_executable_file(candidate)) return candidate;
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  throw UserError("there is no program \"" + name + "\" on PATH");
}

}  // namespace churn::trace
