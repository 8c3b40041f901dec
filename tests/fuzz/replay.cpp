// Runs a fuzz target over stored inputs: seeds, and whatever a fuzzer once found. Every file in the
// directories named is one input, as it is, cut off at every length and with every byte changed.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

namespace {

// Longer ones, whose every change would take too long, run as they are and cut off.
constexpr std::size_t most_bytes_changed = 256;

void run(std::string const& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<std::uint8_t const*>(input.data()), input.size());
}

void run_with_neighbours(std::string const& input) {
  run(input);
  for (std::size_t length = 0; length < input.size(); ++length) run(input.substr(0, length));
  if (input.size() > most_bytes_changed) return;
  for (std::size_t i = 0; i < input.size(); ++i) {
    for (char const byte : {'{', '}', ';', ',', '=', '@', '/', '"', '\0', '\xff'}) {
      std::string changed = input;
      changed[i] = byte;
      run(changed);
    }
  }
}

}  // namespace

int main(int count, char** directories) {
  int inputs = 0;
  for (int i = 1; i < count; ++i) {
    for (auto const& entry : std::filesystem::directory_iterator(directories[i])) {
      std::ifstream file(entry.path(), std::ios::binary);
      run_with_neighbours({std::istreambuf_iterator<char>(file), {}});
      ++inputs;
    }
  }
  std::printf("%d inputs\n", inputs);
  return inputs == 0 ? 1 : 0;
}
