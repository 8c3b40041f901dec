// The HTML report as a text; what a browser makes of it is asked by tests/browser.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "harness/core/error.hpp"
#include "results/report/html/html.hpp"
#include "results/report/html/parts.hpp"
#include "results/report/ratios.hpp"
#include "tests/golden/synthetic_run.hpp"

namespace churn::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class HtmlTest : public ::testing::Test {
 protected:
  HtmlTest() {
    char name[] = "/tmp/churn-html-XXXXXX";
    CHURN_CHECK(mkdtemp(name) != nullptr);
    directory_ = name;
    store::Store store(directory_ / "store", store::Store::Access::create);
    synthetic::write_run(store);
    report_ = build(store, 0, {}, details_.visitor());
  }
  ~HtmlTest() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path directory_;
  Details details_;
  Report report_;
};

TEST_F(HtmlTest, NamesAreTextAndNeverMarkup) {
  auto const text = html::body(report_);
  EXPECT_THAT(text, HasSubstr("evil|`rm`\\x1b[31m&lt;b&gt;"));
  EXPECT_THAT(text, Not(HasSubstr("<b>\n")));
  EXPECT_THAT(text, Not(HasSubstr("rm`\\x1b[31m<")));
  EXPECT_THAT(text, Not(HasSubstr("\u202e")));
  EXPECT_EQ(html::escaped("<script>'\"&"), "&lt;script&gt;&#39;&quot;&amp;");
  // Base64 cannot end an element.
  auto const parts = html::data_parts(report_, details_);
  EXPECT_THAT(parts, Not(HasSubstr("evil")));
}

TEST_F(HtmlTest, EveryCellStandsInATableAndFailuresHaveTheirReason) {
  auto const text = html::body(report_);
  for (auto const& block : report_.blocks) {
    for (auto const& row : block.rows) {
      EXPECT_THAT(text, HasSubstr("#cell=" + std::to_string(row.cell_id) + "\""));
    }
  }
  EXPECT_THAT(text, HasSubstr("crashed, 1/2 ok: signal 5 (SIGTRAP)"));
}

TEST_F(HtmlTest, ABlockIsInTheGroupsOfItsAxes) {
  auto const groups = html::groups_of(report_);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].title, "allocators");
  EXPECT_EQ(groups[0].names.front(), "glibc");
  EXPECT_EQ(groups[1].title, "collectors on glibc");
  EXPECT_EQ(groups[1].labels.front(), "refcount");
}

TEST_F(HtmlTest, ThePageAsksForNothingOrThereIsAWordWhy) {
  if (!html_available()) {
    EXPECT_THROW(to_html(report_, details_), UserError);
    GTEST_SKIP() << "this build has no HTML report: made without npm";
  }
  auto const text = to_html(report_, details_);
  EXPECT_LT(text.size(), 1'500'000u);
  EXPECT_THAT(text, HasSubstr("default-src 'none'"));
  EXPECT_THAT(text, Not(HasSubstr("<link")));
  EXPECT_THAT(text, Not(HasSubstr("src=\"")));
}

TEST(HtmlRuns, WhatBecameSlowerComesFirstAndNothingIsThereWithoutARunBeside) {
  EXPECT_EQ(html::runs({}), "");
  Beside beside;
  beside.comparison.emplace();
  Estimate const same{1, .98, 1.02, 10, statistics::Spread::interval};
  Estimate const more{1.2, 1.1, 1.3, 10, statistics::Spread::interval};
  beside.comparison->cells = {{"quick<b>", Change::none, same, 1, 1, ""},
                              {"slow", Change::slower, more, .001, .01, ""},
                              {"broken", Change::unmeasured, {}, 1, 1, "candidate crashed"}};
  auto const text = html::runs(beside);
  EXPECT_LT(text.find("slow<td>slower<td>1.20<td>1.10–1.30"), text.find("broken<td>unmeasured"));
  EXPECT_LT(text.find("broken"), text.find("quick&lt;b&gt;<td>no proven change"));
}

TEST(Ratios, AreTakenWithinRoundsThatBothHave) {
  statistics::Series const own{{0, 2}, {1, 30}, {3, 8}}, base{{0, 1}, {2, 5}, {3, 2}};
  auto const ratio = ratio_within_rounds(own, base);
  ASSERT_TRUE(ratio);
  EXPECT_EQ(ratio->n, 2u);
  EXPECT_EQ(ratio->low, 2);
  EXPECT_EQ(ratio->median, 3);
  EXPECT_EQ(ratio->high, 4);
  EXPECT_FALSE(ratio_within_rounds(own, {{7, 1}}));
  EXPECT_FALSE(ratio_within_rounds(own, {{0, 0}}));
}

}  // namespace
}  // namespace churn::report
