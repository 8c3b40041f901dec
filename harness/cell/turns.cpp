#include "harness/cell/turns.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "harness/core/error.hpp"
#include "harness/core/page_source.hpp"
#include "harness/core/turn_word.hpp"

namespace churn::cell {
namespace {

// The page that both processes have mapped; it lasts as long as the process.
std::uint32_t& shared_word(std::string const& path) {
  int const file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  void* const page = file < 0
                         ? MAP_FAILED
                         : mmap(nullptr, page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (page == MAP_FAILED) {
    throw UserError("cannot map the page for taking turns, " + path + ": " + std::strerror(errno));
  }
  close(file);
  return *static_cast<std::uint32_t*>(page);
}

}  // namespace

void take_turns(Request const& request, Invocation& invocation) {
  TurnWord turn(shared_word(request.turns.page), request.turns.place);
  auto const move = [&](auto&& work) {
    turn.await();
    work();
    turn.pass();
  };
  move([&] {
    invocation.set_up();
    invocation.park();
  });
  for (std::uint64_t i = 0; i < request.turns.count; ++i) {
    move([&] { invocation.run_turn(); });
  }
  move([&] { invocation.finish(); });
}

}  // namespace churn::cell
