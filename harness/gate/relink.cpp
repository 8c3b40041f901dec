#include "harness/gate/relink.hpp"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "harness/core/error.hpp"
#include "harness/core/random.hpp"
#include "harness/gate/tool.hpp"

namespace churn::gate {
namespace {

namespace fs = std::filesystem;

constexpr double tool_limit_seconds = 120;
constexpr std::array placed_code{".text.unlikely", ".text.startup", ".text.exit", ".text.hot"};

std::string contents_of(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 1;
  for (char const letter : text) hash = mix(hash, static_cast<unsigned char>(letter));
  return hash;
}

template <class T>
T at(std::string const& bytes, std::uint64_t offset, std::string const& path) {
  T value;
  if (offset > bytes.size() || bytes.size() - offset < sizeof value) {
    throw UserError(path + " is not a whole object file");
  }
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

// Of an object file: those of functions that the linker may order as it likes. Start-up code and
// what the compiler calls cold or hot have places of their own.
std::set<std::string> function_sections(std::string const& path) {
  std::string const bytes = contents_of(path);
  auto const header = at<Elf64_Ehdr>(bytes, 0, path);
  bool const is_object = std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
                         header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_type == ET_REL;
  if (!is_object) throw UserError(path + " is no 64-bit object file (link-time optimisation?)");
  auto const section = [&](std::uint64_t number) {
    return at<Elf64_Shdr>(bytes, header.e_shoff + number * sizeof(Elf64_Shdr), path);
  };
  std::uint64_t const count = header.e_shnum != 0 ? header.e_shnum : section(0).sh_size;
  Elf64_Shdr const names =
      section(header.e_shstrndx != SHN_XINDEX ? header.e_shstrndx : section(0).sh_link);
  std::set<std::string> result;
  for (std::uint64_t i = 0; i < count; ++i) {
    Elf64_Shdr const each = section(i);
    std::uint64_t const begin = names.sh_offset + each.sh_name;
    std::size_t const end = begin < bytes.size() ? bytes.find('\0', begin) : std::string::npos;
    if (end == std::string::npos) throw UserError(path + " is not a whole object file");
    std::string const name = bytes.substr(begin, end - begin);
    bool const code = (each.sh_flags & SHF_EXECINSTR) != 0 && each.sh_size > 0;
    if (!code || (name != ".text" && !name.starts_with(".text."))) continue;
    bool const placed = std::any_of(placed_code.begin(), placed_code.end(),
                                    [&](char const* start) { return name.starts_with(start); });
    if (!placed) result.insert(name);
  }
  return result;
}

// What a link's command says.
struct LinkCommand {
  std::vector<std::string> words;
  std::vector<std::size_t> inputs;    // places of objects and whole archives, among the words
  std::vector<std::string> archives;  // the whole ones
  std::vector<std::string> objects;   // without the archives' members
  std::size_t output = 0;
};

LinkCommand parse(std::string const& line, std::string const& file) {
  LinkCommand command;
  command.words = split_line(line);
  bool whole = false;
  for (std::size_t i = 0; i < command.words.size(); ++i) {
    std::string const& word = command.words[i];
    if (word.starts_with('@') || word == "&&" || word == "|" || word == ";") {
      throw UserError(file + " is linked in a way that churn cannot repeat: " + word);
    }
    whole = word == "-Wl,--whole-archive" || (whole && word != "-Wl,--no-whole-archive");
    if (word == "-o") command.output = i + 1;
    bool const object = word.ends_with(".o"), archive = whole && word.ends_with(".a");
    if (!object && !archive) continue;
    command.inputs.push_back(i);
    (object ? command.objects : command.archives).push_back(word);
  }
  if (command.output == 0 || command.output >= command.words.size() || command.inputs.empty()) {
    throw UserError("ninja knows no link of " + file + " from objects");
  }
  return command;
}

}  // namespace

std::string build_directory_of(std::string const& file) {
  std::error_code error;
  fs::path at = fs::canonical(file, error);
  while (!error && at.has_relative_path()) {
    at = at.parent_path();
    if (fs::exists(at / "build.ninja", error)) return at;
  }
  return "";
}

namespace {

// One link in one order.
class Link {
 public:
  Link(std::string const& file, std::string directory, Random random, run::Interrupt& interrupt)
      : file_(fs::canonical(file)),
        build_(build_directory_of(file)),
        directory_(std::move(directory)),
        random_(random),
        interrupt_(interrupt) {
    if (build_.empty()) {
      throw UserError(file + " cannot be linked again: no build.ninja lies above it");
    }
  }

  void make(std::string const& result) {
    std::string const listed = directory_ + "/command";
    std::string const target = fs::path(file_).lexically_relative(build_);
    tool("ninja -t commands -s " + shell_word(target) + " > " + shell_word(listed));
    LinkCommand command = parse(contents_of(listed), file_);
    std::vector<std::string> objects = command.objects;
    for (std::string const& archive : command.archives) add_members(archive, objects);
    for (std::size_t i = objects.size(); i > 1; --i) {
      std::swap(objects[i - 1], objects[random_.below(i)]);
    }
    command.words[command.output] = result;
    std::string line;
    for (std::size_t i = 0; i < command.words.size(); ++i) {
      bool const input =
          std::find(command.inputs.begin(), command.inputs.end(), i) != command.inputs.end();
      if (!input) line += shell_word(command.words[i]) + ' ';
      if (i != command.inputs.front()) continue;
      for (std::string const& each : objects) line += shell_word(reordered(each)) + ' ';
    }
    tool(line);
    check_same(result);
  }

 private:
  void tool(std::string const& line) {
    ToolAnswer const answer = run_tool(line, build_, tool_limit_seconds, interrupt_);
    if (answer.failure.empty()) return;
    throw UserError(file_ + " cannot be linked again: " + line.substr(0, line.find(' ')) + ": " +
                    answer.failure);
  }

  // Meson's archives are thin: their members are files, named from the build directory.
  void add_members(std::string const& archive, std::vector<std::string>& objects) {
    std::string const listed = directory_ + "/members";
    tool("ar t " + shell_word(archive) + " > " + shell_word(listed));
    std::ifstream lines(listed);
    for (std::string line; std::getline(lines, line);) {
      if (!fs::exists(fs::path(build_) / line)) {
        throw UserError(file_ + " cannot be linked again: " + archive + " is no thin archive");
      }
      objects.push_back(line);
    }
  }

  std::string reordered(std::string const& object) {
    std::string const path = fs::path(build_) / object;
    std::string const copy = directory_ + "/" + std::to_string(++copies_) + ".o";
    std::ofstream options(copy + ".options");
    for (std::string const& name : function_sections(path)) {
      char order[32];
      std::snprintf(order, sizeof order, "%010llu",
                    static_cast<unsigned long long>(random_.below(10'000'000'000)));
      options << "--rename-section " << name << "=.text.sorted." << order << '\n';
    }
    options.close();
    tool("objcopy @" + shell_word(copy + ".options") + ' ' + shell_word(path) + ' ' +
         shell_word(copy));
    return copy;
  }

  // A program says what it can run, a library what it exports.
  void check_same(std::string const& result) {
    bool const library = file_.ends_with(".so");
    for (std::string const& each : {file_, result}) {
      std::string const said = directory_ + (each == result ? "/linked" : "/original");
      tool((library ? "nm -D --defined-only --format=just-symbols " + shell_word(each)
                    : shell_word(each) + " --describe") +
           " > " + shell_word(said));
    }
    if (contents_of(directory_ + "/linked") == contents_of(directory_ + "/original")) return;
    throw UserError(file_ +
                    " linked again is not the same: its objects are of another build; run "
                    "ninja there");
  }

  std::string const file_, build_, directory_;
  Random random_;
  run::Interrupt& interrupt_;
  int copies_ = 0;
};

}  // namespace

Relinker::~Relinker() {
  std::error_code error;
  for (auto const& [what, path] : made_) fs::remove(path, error);
  fs::remove_all(directory_.path() + "/objects", error);
}

std::string const& Relinker::layout(std::string const& file, std::uint32_t number) {
  auto const [place, is_new] = made_.try_emplace({file, number});
  if (!is_new) return place->second;
  std::string const result = directory_.path() + "/" + std::to_string(made_.size());
  try {
    link(file, number, result);
  } catch (...) {
    made_.erase(place);
    throw;
  }
  return place->second = result;
}

void Relinker::link(std::string const& file, std::uint32_t number, std::string const& result) {
  std::string const scratch = directory_.path() + "/objects";
  fs::create_directory(scratch);
  Random const random = Random::fork(seed_, mix(hash_of(file), number));
  Link(file, scratch, random, interrupt_).make(result);
  fs::remove_all(scratch);
}

}  // namespace churn::gate
