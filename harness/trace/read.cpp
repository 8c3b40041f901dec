#include "harness/trace/read.hpp"

#include <sys/stat.h>
#include <zip.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "harness/core/error.hpp"
#include "harness/trace/file.hpp"
#include "harness/trace/text.hpp"

namespace churn::trace {
namespace {

constexpr std::uint64_t most_text_bytes = std::uint64_t{2} << 30;
constexpr std::string_view zip_magic = "PK\x03\x04";

std::string contents_of(std::string const& path) {
  struct stat status{};
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> const file(std::fopen(path.c_str(), "rbe"),
                                                             std::fclose);
  if (!file || fstat(fileno(file.get()), &status) != 0) {
    throw UserError("cannot read the trace " + path + ": " + std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) throw UserError(path + " is no file, so no trace");
  if (static_cast<std::uint64_t>(status.st_size) > most_text_bytes) {
    throw UserError(path + " is larger than a trace may be (2 GiB)");
  }
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) throw UserError("cannot read the trace " + path);
  return text;
}

// The first file of an archive.
std::string unzipped(std::string_view archive, std::string const& source) {
  auto const fail = [&](std::string const& why) { throw UserError(source + " " + why); };
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* const from = zip_source_buffer_create(archive.data(), archive.size(), 0, &error);
  zip_t* const opened = from == nullptr ? nullptr : zip_open_from_source(from, ZIP_RDONLY, &error);
  if (opened == nullptr) {
    std::string const why = zip_error_strerror(&error);
    zip_source_free(from);
    zip_error_fini(&error);
    fail("is a damaged zip archive: " + why);
  }
  std::unique_ptr<zip_t, void (*)(zip_t*)> const owner(opened, zip_discard);
  zip_stat_t status;
  if (zip_stat_index(opened, 0, 0, &status) != 0) fail("is an empty zip archive");
  if ((status.valid & ZIP_STAT_SIZE) == 0 || status.size > most_text_bytes) {
    fail("holds a file larger than a trace may be (2 GiB)");
  }
  std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> const file(zip_fopen_index(opened, 0, 0),
                                                               zip_fclose);
  if (!file) fail(std::string("cannot be unpacked: ") + zip_strerror(opened));
  // As it comes: what an archive says of itself is no reason to take so much memory.
  std::string text;
  constexpr std::size_t piece_bytes = std::size_t{1} << 20;
  while (text.size() <= most_text_bytes) {
    std::size_t const before = text.size();
    text.resize(before + piece_bytes);
    zip_int64_t const got = zip_fread(file.get(), text.data() + before, piece_bytes);
    if (got < 0) fail(std::string("cannot be unpacked: ") + zip_file_strerror(file.get()));
    text.resize(before + static_cast<std::size_t>(got));
    if (got == 0) break;
  }
  return text;
}

}  // namespace

Trace read_trace_text(std::string_view text, std::string const& source) {
  if (text.starts_with(zip_magic)) {
    std::string const inner = unzipped(text, source);
    if (inner.starts_with(zip_magic)) throw UserError(source + " is a zip archive in another one");
    return read_trace_text(inner, source);
  }
  if (text.starts_with(file_magic)) return read_file(text, source);
  if (is_mtrace(text)) return read_mtrace(text, source);
  if (is_android(text)) return read_android(text, source);
  if (text.starts_with(file_magic.substr(0, 12))) {
    throw UserError(source + " is a trace of another version of churn; record it anew");
  }
  throw UserError(source +
                  " is no trace that churn knows: not one of its own, no text of Android's "
                  "(\"1: malloc 0x10 24\"), and none of mtrace()'s");
}

Trace read_trace(std::string const& path) { return read_trace_text(contents_of(path), path); }

}  // namespace churn::trace
