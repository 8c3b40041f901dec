// A trace file is somebody else's: whatever is in it, reading, ordering and compiling it ends in a
// sound program or in a message.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "harness/core/check.hpp"
#include "harness/core/error.hpp"
#include "harness/trace/columns.hpp"
#include "harness/trace/compile.hpp"
#include "harness/trace/read.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace churn;
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  trace::decode(text);  // checksums of whole files keep a fuzzer out of here
  try {
    trace::Trace const read = trace::read_trace_text(text, "input");
    trace::Summary const summary = summarize(read, trace::busiest_process(read));
    for (std::uint32_t const lanes : {1u, summary.lanes}) {
      std::string const program = compile(read, summary, lanes);
      auto const* const bytes = reinterpret_cast<std::byte const*>(program.data());
      CHURN_CHECK(replay::what_is_wrong(bytes, program.size()).empty());
    }
  } catch (UserError const&) {
  }
  return 0;
}
