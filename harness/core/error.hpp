// What:  an operating error: something the user gave or the machine lacks. The text says what was
//        wrong, with which input, and what to do. `churn` prints it after "churn: " and exits 2.
// When not: a programmer's error is CHURN_CHECK; a back end's failure is an Outcome. Never thrown
//        in cell programs between setup and check, nor in a malloc library.
#pragma once

#include <stdexcept>
#include <string>

namespace churn {

class UserError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace churn
