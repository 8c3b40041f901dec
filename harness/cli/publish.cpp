#include "harness/cli/publish.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "harness/cli/output.hpp"
#include "harness/core/error.hpp"
#include "results/report/text.hpp"

namespace churn::cli {
namespace {

namespace fs = std::filesystem;
using exporting::Findings;

constexpr char summary_variable[] = "GITHUB_STEP_SUMMARY";

// Annotations are lines among others, by design.
bool mixes(Output const& output) { return output.format == "github"; }

void require_place(std::string const& path) {
  fs::path const folder = fs::path(path).parent_path();
  std::string const where = folder.empty() ? "." : folder.string();
  std::error_code error;
  if (!fs::is_directory(where, error)) {
    throw UserError("cannot write to " + path + ": there is no directory " + where);
  }
  if (fs::is_directory(path, error)) throw UserError("cannot write to " + path + ": a directory");
  if (access(where.c_str(), W_OK | X_OK) != 0) {
    throw UserError("cannot write to " + path + ": no permission to write in " + where);
  }
}

// Other commands of the step have their part of the file and of its limit.
void append_summary(Findings const& findings, std::string const& path) {
  std::error_code error;
  auto const used = fs::file_size(path, error);
  std::size_t const most = exporting::most_summary_bytes;
  std::size_t const left = error ? most : most - std::min<std::size_t>(used, most);
  std::string const text = to_markdown(findings, left);
  if (text.size() > left) {
    std::fprintf(stderr, "churn: %s is full (1 MiB), so there is no job summary\n",
                 summary_variable);
    return;
  }
  std::ofstream file(path, std::ios::binary | std::ios::app);
  file << text;
  file.close();
  if (!file) throw UserError("cannot write the job summary to " + path);
}

void publish_summary(Findings const& findings, std::string const& path) {
  if (!path.empty()) {
    write_output(path, to_markdown(findings, exporting::most_summary_bytes));
    return;
  }
  char const* const file = std::getenv(summary_variable);
  if (file != nullptr && file[0] != '\0') {
    append_summary(findings, file);
  } else {
    std::fprintf(stderr,
                 "churn: %s is not set, so there are annotations only; --output github=FILE (of "
                 "export: -o FILE) keeps the summary\n",
                 summary_variable);
  }
}

}  // namespace

std::vector<Output> parse_outputs(std::vector<std::string> const& texts) {
  std::vector<Output> outputs;
  for (std::string const& text : texts) {
    std::size_t const equals = std::min(text.find('='), text.size());
    Output output{text.substr(0, equals), text.substr(std::min(equals + 1, text.size()))};
    require_format(exporting::finding_format_names(), output.format);
    if (equals < text.size() && output.path.empty()) {
      throw UserError("--output " + text + " names no file; leave out the '=' for stdout");
    }
    outputs.push_back(std::move(output));
  }
  return outputs;
}

bool takes_stdout(std::vector<Output> const& outputs) {
  return std::any_of(outputs.begin(), outputs.end(),
                     [](Output const& each) { return each.path.empty() && !mixes(each); });
}

void require_places(std::vector<Output> const& outputs, bool stdout_taken) {
  std::set<std::string> files;
  bool taken = stdout_taken;
  for (Output const& each : outputs) {
    if (!each.path.empty()) {
      require_place(each.path);
      if (!files.insert(each.path).second) {
        throw UserError("two outputs go to " + each.path + "; give each a file of its own");
      }
    }
    if (each.path.empty() && !mixes(each) && std::exchange(taken, true)) {
      throw UserError("two outputs go to stdout; give --output " + each.format + " a file, as in " +
                      each.format + "=FILE");
    }
  }
  // Annotations go to stdout in any case.
  if (taken && std::any_of(outputs.begin(), outputs.end(), mixes)) {
    throw UserError(
        "the annotations of --output github go to stdout, and so does what is for programs; give "
        "that one a file, as in --output junit=FILE");
  }
}

void publish(Findings const& findings, Output const& output) {
  if (!mixes(output)) {
    write_output(output.path, exporting::render(findings, output.format));
    return;
  }
  publish_summary(findings, output.path);
  write_output("", exporting::render(findings, output.format));
}

}  // namespace churn::cli
