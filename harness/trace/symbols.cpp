// Addresses of call stacks as names, through elfutils: lines where there is debugging information
// (of the program, or of Debian's -dbgsym packages), else the nearest function of the symbol table.
#include <cxxabi.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>

#include "harness/trace/profile.hpp"

namespace churn::trace {
namespace {

std::string demangled(char const* name) {
  int status = 0;
  std::unique_ptr<char, void (*)(void*)> const text(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
  return status == 0 && text ? text.get() : name;
}

std::string_view last_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

Dwfl_Callbacks const& callbacks() {
  static char* debug_path = nullptr;
  static Dwfl_Callbacks const result{dwfl_build_id_find_elf, dwfl_standard_find_debuginfo,
                                     dwfl_offline_section_address, &debug_path};
  return result;
}

}  // namespace

struct Symbols::Implementation {
  std::vector<Module> modules;
  Dwfl* session = nullptr;
  std::map<std::uint64_t, std::string> names;

  Module const* module_of(std::uint64_t address) const {
    for (auto const& each : modules) {
      if (address >= each.start && address < each.end) return &each;
    }
    return nullptr;
  }

  std::string look_up(std::uint64_t address) const {
    std::uint64_t const place = address - 1;  // within the call, not behind it
    Module const* const module = module_of(place);
    char text[64];
    if (Dwfl_Module* const found = dwfl_addrmodule(session, place)) {
      char const* const function = dwfl_module_addrname(found, place);
      std::string name = function == nullptr ? "?" : demangled(function);
      int line = 0;
      Dwfl_Line* const source = dwfl_module_getsrc(found, place);
      char const* const file =
          source == nullptr ? nullptr
                            : dwfl_lineinfo(source, nullptr, &line, nullptr, nullptr, nullptr);
      if (file != nullptr) return name + " at " + file + ":" + std::to_string(line);
      if (function != nullptr && module != nullptr) {
        return name + " in " + std::string(last_part(module->path));
      }
    }
    if (module == nullptr) {
      std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(address));
      return text;
    }
    std::uint64_t const offset = place - module->start + module->offset;
    std::snprintf(text, sizeof text, "+0x%llx", static_cast<unsigned long long>(offset));
    return std::string(last_part(module->path)) + text;
  }
};

Symbols::Symbols(Trace const& trace, std::uint32_t process) : implementation_(new Implementation) {
  for (auto const& each : trace.modules) {
    if (each.process == process) implementation_->modules.push_back(each);
  }
  implementation_->session = dwfl_begin(&callbacks());
  if (implementation_->session == nullptr) return;
  dwfl_report_begin(implementation_->session);
  for (auto const& each : implementation_->modules) {
    // Opened here: a trace may name anything, and only a plain file is read.
    int const file = open(each.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0) continue;
    Dwfl_Module* const reported =
        dwfl_report_elf(implementation_->session, each.path.c_str(), each.path.c_str(), file,
                        each.start - each.offset, true);
    if (reported == nullptr) close(file);
  }
  dwfl_report_end(implementation_->session, nullptr, nullptr);
}

Symbols::~Symbols() {
  if (implementation_->session != nullptr) dwfl_end(implementation_->session);
  delete implementation_;
}

std::string Symbols::name_of(std::uint64_t address) {
  auto found = implementation_->names.find(address);
  if (found == implementation_->names.end()) {
    found = implementation_->names.emplace(address, implementation_->look_up(address)).first;
  }
  return found->second;
}

bool Symbols::is_recorder(std::uint64_t address) const {
  Module const* const module = implementation_->module_of(address - 1);
  return module != nullptr && last_part(module->path).starts_with("libchurn_record");
}

}  // namespace churn::trace
