#include "results/report/html/html.hpp"

#include "harness/core/error.hpp"
#include "results/report/html/parts.hpp"

namespace churn::report {

bool html_available() noexcept { return !html::script().empty(); }

void require_html() {
  if (html_available()) return;
  throw UserError(
      "this churn was built without npm, which takes the HTML report's script together; other "
      "formats are terminal, markdown, csv and json. To have it: apt-get install npm, then meson "
      "setup --reconfigure in the build directory (its warnings tell what else is missing)");
}

std::string to_html(Report const& report, Details const& details, Beside const& beside) {
  require_html();
  std::string const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src '" +
                             std::string(html::script_hash()) +
                             "'; base-uri 'none'; form-action 'none'";
  std::string text = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  text += "<meta http-equiv=\"Content-Security-Policy\" content=\"" + policy + "\">\n";
  text += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  text += "<meta name=\"color-scheme\" content=\"light dark\">\n";
  text += "<title>churn report, run " + std::to_string(report.run.id) + "</title>\n<style>";
  text += html::style();
  text += "</style>\n</head>\n<body>\n";
  text += html::body(report, beside);
  text += html::data_parts(report, details);
  text += "<script>";
  text += html::script();
  return text + "</script>\n</body>\n</html>\n";
}

}  // namespace churn::report
