#include "harness/cli/resumption.hpp"

#include "harness/core/error.hpp"
#include "harness/run/build_info.hpp"
#include "harness/run/machine.hpp"

namespace churn::cli {

void check_same_conditions(store::Store& store, store::Run const& found) {
  std::string const which = "run " + std::to_string(found.id) + " was begun ";
  if (found.version != run::version()) {
    throw UserError(which + "by churn " + found.version + ", this is " + run::version() +
                    "; measure anew, or resume with that build");
  }
  if (store.machine(found.id).fingerprint != run::describe_machine().fingerprint) {
    throw UserError(which + "on another machine; resume it there, or measure anew");
  }
}

}  // namespace churn::cli
