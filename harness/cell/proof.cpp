#include "harness/cell/proof.hpp"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <sys/stat.h>

#include <array>

namespace churn::cell {
namespace {

struct EntryPoint {
  char const* name;
  bool may_be_in_libstdcxx;
};
constexpr std::array entry_points{
    EntryPoint{"malloc", false}, EntryPoint{"calloc", false},        EntryPoint{"realloc", false},
    EntryPoint{"free", false},   EntryPoint{"aligned_alloc", false}, EntryPoint{"_Znwm", true},
    EntryPoint{"_ZdlPv", true},
};

std::string file_of(void const* address) {
  Dl_info info;
  return address != nullptr && dladdr(address, &info) != 0 ? info.dli_fname : "";
}

bool same_file(std::string const& path, LibraryFile const& library) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && status.st_dev == library.device &&
         status.st_ino == library.inode;
}

bool is_libstdcxx(std::string const& path) {
  return path.find("libstdc++.so") != std::string::npos;
}

}  // namespace

Proof prove(std::optional<LibraryFile> const& library) {
  Proof proof;
  std::string const glibc = file_of(reinterpret_cast<void const*>(&gnu_get_libc_version));
  for (auto const& [name, may_be_in_libstdcxx] : entry_points) {
    // The same look-up order as the dynamic linker's own: program, preloads, libraries.
    std::string const file = file_of(dlsym(RTLD_DEFAULT, name));
    proof.files[name] = file;
    bool const in_place = library ? same_file(file, *library) : !file.empty() && file == glibc;
    if (in_place || (may_be_in_libstdcxx && is_libstdcxx(file)) || !proof.failure.empty()) continue;
    proof.failure = std::string(name) + " lies in " + (file.empty() ? "no file" : file) +
                    ", not in " + (library ? library->path : glibc) +
                    (library ? ": the library was not preloaded, or does not define it" : "");
  }
  return proof;
}

}  // namespace churn::cell
