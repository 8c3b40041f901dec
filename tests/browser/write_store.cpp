// write_store FILE: the made-up run of the golden files as a store, for reports of it.
#include "tests/golden/synthetic_run.hpp"

int main(int count, char** arguments) {
  CHURN_CHECK(count == 2);
  churn::store::Store store(arguments[1], churn::store::Store::Access::create);
  churn::synthetic::write_run(store, {10, 4});
}
