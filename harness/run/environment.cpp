#include "harness/run/environment.hpp"

#include "harness/core/check.hpp"

namespace churn::run {
namespace {

std::size_t string_bytes(std::string const& text) noexcept { return text.size() + 1; }

}  // namespace

std::vector<std::string> cell_environment(std::map<std::string, std::string> const& settings,
                                          std::string const& preload) {
  std::vector<std::string> environment;
  if (!preload.empty()) environment.push_back("LD_PRELOAD=" + preload);
  for (auto const& [key, value] : settings) environment.push_back(key + '=' + value);
  return environment;
}

std::size_t stack_bytes(std::string const& program, std::vector<std::string> const& arguments,
                        std::vector<std::string> const& environment) noexcept {
  std::size_t bytes = string_bytes(program);
  for (auto const& each : arguments) bytes += string_bytes(each) + sizeof(char*);
  for (auto const& each : environment) bytes += string_bytes(each) + sizeof(char*);
  return bytes;
}

std::size_t least_padding_bytes() noexcept {
  return sizeof padding_variable + sizeof "=" - 1 + sizeof(char*);
}

std::vector<std::string> padded(std::string const& program,
                                std::vector<std::string> const& arguments,
                                std::vector<std::string> environment, std::size_t total_bytes) {
  std::size_t const bytes = stack_bytes(program, arguments, environment) + least_padding_bytes();
  CHURN_CHECK(bytes <= total_bytes);
  environment.push_back(std::string(padding_variable) + '=' +
                        std::string(total_bytes - bytes, 'x'));
  return environment;
}

}  // namespace churn::run
