#include "harness/run/installation.hpp"

#include <filesystem>
#include <system_error>

#include "harness/core/error.hpp"

namespace churn::run {
namespace {

namespace fs = std::filesystem;

bool holds_cell_programs(fs::path const& directory) {
  std::error_code error;
  for (auto each = fs::directory_iterator(directory, error); each != fs::directory_iterator();
       each.increment(error)) {
    if (error) return false;
    if (each->path().filename().string().starts_with("churn-cell-")) return true;
  }
  return false;
}

}  // namespace

Installation installation_of(std::string const& directory) {
  // Preloads are links in another directory: a relative target would lead nowhere.
  fs::path const here = fs::absolute(directory);
  Installation built{(here / "../cell").lexically_normal(),
                     (here / "../../allocators").lexically_normal(),
                     (here / "../conform/churn-conform-malloc").lexically_normal(),
                     (here / "../../workloads/traces").lexically_normal()};
  if (holds_cell_programs(built.cell_programs)) return built;
  Installation installed{(here / "../libexec/churn").lexically_normal(),
                         (here / "../lib/churn").lexically_normal(),
                         (here / "../libexec/churn/churn-conform-malloc").lexically_normal(),
                         (here / "../share/churn/traces").lexically_normal()};
  if (holds_cell_programs(installed.cell_programs)) return installed;
  throw UserError("the cell programs (churn-cell-*) are neither in " + built.cell_programs +
                  " nor in " + installed.cell_programs +
                  "; build them (ninja programs) or install churn as a whole");
}

Installation find_installation() {
  std::error_code error;
  fs::path const self = fs::read_symlink("/proc/self/exe", error);
  if (error) throw UserError("cannot read /proc/self/exe: " + error.message() + "; mount /proc");
  return installation_of(self.parent_path());
}

}  // namespace churn::run
