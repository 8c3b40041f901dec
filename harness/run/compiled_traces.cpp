#include "harness/run/compiled_traces.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "harness/core/error.hpp"
#include "harness/trace/compile.hpp"
#include "harness/trace/read.hpp"

namespace churn::run {

std::string CompiledTraces::path_of(std::string const& trace, std::uint32_t threads) {
  if (trace.empty()) return {};
  auto found = files_.find({trace, threads});
  if (found == files_.end()) {
    trace::Trace const read = trace::read_trace(trace);
    std::string const program =
        compile(read, summarize(read, trace::busiest_process(read)), threads);
    Descriptor file(memfd_create("churn-trace", MFD_CLOEXEC));
    std::size_t written = 0;
    while (file && written < program.size()) {
      ssize_t const some = write(file.number(), program.data() + written, program.size() - written);
      if (some <= 0) {
        throw UserError("no memory for the compiled " + trace + ": " + std::strerror(errno));
      }
      written += static_cast<std::size_t>(some);
    }
    found = files_.emplace(std::pair(trace, threads), std::move(file)).first;
  }
  return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(found->second.number());
}

std::uint32_t CompiledTraces::threads_of(std::string const& trace) {
  trace::Trace const read = trace::read_trace(trace);
  return summarize(read, trace::busiest_process(read)).lanes;
}

}  // namespace churn::run
