// What:  what this churn has to run: its cell programs, its allocators and the machine under it.
// Cost:  starts each cell program once, all at the same time.
#pragma once

#include "allocators/catalogue.hpp"
#include "harness/run/installation.hpp"
#include "harness/run/machine.hpp"
#include "harness/run/planning.hpp"

namespace churn::cli {

// Not copied: `surroundings` points into it.
class Here {
 public:
  Here() : installation_(run::find_installation()), catalogue_(installation_.malloc_libraries) {
    surroundings_.programs = run::describe_programs(installation_.cell_programs);
    surroundings_.traces = installation_.traces;
    surroundings_.catalogue = &catalogue_;
    surroundings_.cores = run::usable_cores();
    surroundings_.memory_bytes = run::usable_memory_bytes(run::SystemFiles());
  }
  Here(Here const&) = delete;
  Here& operator=(Here const&) = delete;

  run::Surroundings const& surroundings() const noexcept { return surroundings_; }
  allocators::Catalogue const& catalogue() const noexcept { return catalogue_; }
  run::Installation const& installation() const noexcept { return installation_; }

 private:
  run::Installation installation_;
  allocators::Catalogue catalogue_;
  run::Surroundings surroundings_;
};

}  // namespace churn::cli
