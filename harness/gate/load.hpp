// What:  a process that keeps a core and the memory behind it busy for as long as this lives: a
//        cell program that replaces the blocks of a large live set for ever.
// Why:   to know what a gate is worth on a machine that has other work, that work must be there.
// Errors: UserError where it cannot be started. It dies with this process.
#pragma once

#include <string>

#include "harness/run/spawn.hpp"

namespace churn::gate {

class Load {
 public:
  // On the lowest core that this process may use; cells take the highest ones.
  explicit Load(std::string const& malloc_program);
  Load(Load const&) = delete;
  Load& operator=(Load const&) = delete;
  ~Load();

 private:
  run::Child child_;
};

}  // namespace churn::gate
