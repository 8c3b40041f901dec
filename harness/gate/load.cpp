#include "harness/gate/load.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "harness/core/protocol.hpp"
#include "harness/run/exchange.hpp"

namespace churn::gate {

Load::Load(std::string const& malloc_program) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof allowed, &allowed);
  int lowest = 0;
  while (lowest < CPU_SETSIZE - 1 && !CPU_ISSET(lowest, &allowed)) ++lowest;
  run::Asked asked;
  asked.workload = "malloc/larson";
  asked.parameters = {{"blocks", 100'000}};
  asked.seed = 1;
  asked.work = {std::uint64_t{1} << 40, 1, 0};
  asked.cpus = {lowest};
  run::Launch launch;
  launch.program = malloc_program;
  launch.arguments = {"churn-load", std::string(request_option) + run::child_request_path,
                      std::string(record_option) + run::child_record_path};
  launch.request = run::to_request(asked);
  child_ = run::spawn(launch);
}

Load::~Load() {
  kill(-child_.id, SIGKILL);
  waitpid(child_.id, nullptr, 0);
}

}  // namespace churn::gate
