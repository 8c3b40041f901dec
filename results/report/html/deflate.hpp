// What:  text deflated (zlib's format, which browsers call "deflate") and as base64.
// Why:   a million samples are 5 MB of digits; browsers unpack them faster than a disk reads them.
// Errors: none but no memory, which ends the program. Thread-safety: pure function.
#pragma once

#include <string>
#include <string_view>

namespace churn::report::html {

std::string deflated_base64(std::string_view text);

}  // namespace churn::report::html
