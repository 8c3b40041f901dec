#include "results/report/html/deflate.hpp"

#include <zlib.h>

#include "harness/core/check.hpp"

namespace churn::report::html {
namespace {

std::string base64(std::string_view bytes) {
  constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned word = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      word = word << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += i + k > bytes.size() ? '=' : letters[word >> (18 - 6 * k) & 63];
    }
  }
  return text;
}

}  // namespace

std::string deflated_base64(std::string_view text) {
  constexpr int level = 5;  // 6 takes half as long again for 3 % less
  uLongf size = compressBound(text.size());
  std::string bytes(size, '\0');
  int const status = compress2(reinterpret_cast<Bytef*>(bytes.data()), &size,
                               reinterpret_cast<Bytef const*>(text.data()), text.size(), level);
  CHURN_CHECK(status == Z_OK);
  bytes.resize(size);
  return base64(bytes);
}

}  // namespace churn::report::html
