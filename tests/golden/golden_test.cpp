// Every format of a report and of an export, from one fixed run, against the files beside this one.
// After a wanted change: CHURN_REGENERATE=1 meson test golden, then read the difference.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>

#include "harness/core/error.hpp"
#include "results/export/export.hpp"
#include "results/report/report.hpp"
#include "results/report/text.hpp"
#include "tests/golden/synthetic_run.hpp"

namespace churn {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Json = nlohmann::json;

constexpr synthetic::Shape few_rounds{3, 4}, many_rounds{10, 4};

class GoldenTest : public ::testing::Test {
 protected:
  GoldenTest() {
    char name[] = "/tmp/churn-golden-XXXXXX";
    CHURN_CHECK(mkdtemp(name) != nullptr);
    directory_ = name;
  }
  ~GoldenTest() override { fs::remove_all(directory_); }

  store::Store& written(synthetic::Shape shape) {
    store_.emplace(directory_ / std::to_string(shape.rounds), store::Store::Access::create);
    synthetic::write_run(*store_, shape);
    return *store_;
  }
  report::Report built(synthetic::Shape shape, report::Options const& options = {}) {
    return report::build(written(shape), 0, options);
  }
  std::string exported(std::string_view format) {
    std::ostringstream out;
    exporting::write(written(few_rounds), 0, format, out);
    return out.str();
  }

  fs::path directory_;
  std::optional<store::Store> store_;
};

void expect_golden(std::string const& name, std::string const& text) {
  fs::path const path = fs::path(CHURN_GOLDEN) / name;
  if (std::getenv("CHURN_REGENERATE") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    FAIL() << "wrote " << path << "; read what changed, then run without CHURN_REGENERATE";
  }
  std::ifstream file(path, std::ios::binary);
  std::string const wanted{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text, wanted) << "differs from " << path;
}

template <class Work>
std::string error_of(Work&& work) {
  try {
    work();
  } catch (UserError const& error) {
    return error.what();
  }
  return "no error";
}

// ---- files ----

TEST_F(GoldenTest, TerminalWithRanges) {
  expect_golden("ranges.txt", report::render(built(few_rounds), "terminal"));
}
TEST_F(GoldenTest, TerminalWithIntervalsAndColour) {
  expect_golden("intervals_colour.txt",
                report::render(built(many_rounds), "terminal", {true, 120}));
}
TEST_F(GoldenTest, Markdown) { expect_golden("ranges.md", to_markdown(built(few_rounds))); }
TEST_F(GoldenTest, MarkdownWithAnotherBaseline) {
  expect_golden("intervals.md", to_markdown(built(many_rounds, {"jemalloc"})));
}
TEST_F(GoldenTest, Csv) { expect_golden("ranges.csv", to_csv(built(few_rounds))); }
TEST_F(GoldenTest, ReportJson) { expect_golden("intervals.json", to_json(built(many_rounds))); }
TEST_F(GoldenTest, GoogleBenchmark) {
  expect_golden("google_benchmark.json", exported("google-benchmark"));
}
TEST_F(GoldenTest, SamplesAsCsv) { expect_golden("samples.csv", exported("csv")); }
TEST_F(GoldenTest, SamplesAsJsonLines) { expect_golden("samples.jsonl", exported("jsonl")); }
TEST_F(GoldenTest, Bmf) { expect_golden("bmf.json", exported("bmf")); }
TEST_F(GoldenTest, CustomSmallerIsBetter) {
  expect_golden("custom_smaller_is_better.json", exported("custom-smaller-is-better"));
}
TEST_F(GoldenTest, GitHub) { expect_golden("github.txt", exported("github")); }
TEST_F(GoldenTest, JUnit) { expect_golden("junit.xml", exported("junit")); }
TEST_F(GoldenTest, Comment) { expect_golden("comment.md", exported("markdown")); }
TEST_F(GoldenTest, OpenMetrics) { expect_golden("openmetrics.txt", exported("openmetrics")); }

// ---- what holds whatever the files say ----

TEST_F(GoldenTest, NoNameBreaksOutOfItsPlace) {
  auto const report = built(few_rounds);
  for (auto const* const format : {"terminal", "markdown", "csv", "json"}) {
    SCOPED_TRACE(format);
    std::string const text = report::render(report, format);
    EXPECT_TRUE(std::none_of(text.begin(), text.end(), [](char letter) {
      return (static_cast<unsigned char>(letter) < 0x20 && letter != '\n') || letter == 0x7f;
    }));
    EXPECT_EQ(text.find("\u202e"), std::string::npos);
  }
  EXPECT_EQ(to_markdown(report).find("<b>"), std::string::npos);
  EXPECT_EQ(to_csv(report).find("\n=cmd()"), std::string::npos);
  EXPECT_THAT(to_csv(report), HasSubstr("\n'=cmd()"));
}

TEST_F(GoldenTest, MarkdownTablesHaveAsManyCellsInEveryRow) {
  std::istringstream text(to_markdown(built(few_rounds)));
  std::size_t bars = 0, rows = 0;
  for (std::string line; std::getline(text, line);) {
    if (!line.starts_with('|')) {
      bars = 0;
      continue;
    }
    std::size_t here = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '\\') {
        ++i;
      } else if (line[i] == '|') {
        ++here;
      }
    }
    if (bars != 0) {
      EXPECT_EQ(here, bars) << line;
    }
    bars = here;
    ++rows;
  }
  EXPECT_GT(rows, 10u);
}

TEST_F(GoldenTest, ATerminalLineFitsUnlessAWordDoesNot) {
  std::istringstream text(report::render(built(few_rounds), "terminal"));
  for (std::string line; std::getline(text, line);) EXPECT_LE(report::width_of(line), 80u) << line;
}

TEST_F(GoldenTest, WhatFailedHasNoFiguresAndAReason) {
  auto const rows = Json::parse(to_json(built(few_rounds)));
  std::size_t failed = 0, ok = 0;
  for (auto const& row : rows) {
    if (row.at("outcome") == "ok") {
      ++ok;
      EXPECT_GT(row.at("metrics").at("time_per_op_ns").at("median"), 0);
      continue;
    }
    ++failed;
    EXPECT_TRUE(row.at("metrics").empty()) << row;
    EXPECT_FALSE(row.contains("ratio")) << row;
    EXPECT_EQ(row.at("standing"), "unranked") << row;
    EXPECT_NE(row.at("reason"), "") << row;
  }
  EXPECT_EQ(failed, 5u);
  EXPECT_EQ(ok, 11u);
}

TEST_F(GoldenTest, ReportJsonHasTheKeysThatAreFixed) {
  for (auto const& row : Json::parse(to_json(built(many_rounds)))) {
    for (auto const* const key : {"allocator", "collector", "workload", "parameters", "threads",
                                  "heap_limit_bytes", "outcome", "reason", "metrics"}) {
      EXPECT_TRUE(row.contains(key)) << key;
    }
    for (auto const& [name, figure] : row.at("metrics").items()) {
      EXPECT_LE(figure.at("low"), figure.at("median")) << name;
      EXPECT_LE(figure.at("median"), figure.at("high")) << name;
      EXPECT_GT(figure.at("n"), 0) << name;
      EXPECT_TRUE(figure.at("unit").is_string()) << name;
    }
  }
}

TEST_F(GoldenTest, ExportsHoldEveryRawSample) {
  std::multiset<std::uint64_t> stored, lines, records;
  auto& store = written(few_rounds);
  store.each_invocation(1, true, [&](store::Invocation const& invocation) {
    stored.insert(invocation.sample_ns.begin(), invocation.sample_ns.end());
  });
  std::ostringstream csv, jsonl;
  exporting::write(store, 0, "csv", csv);
  exporting::write(store, 0, "jsonl", jsonl);
  std::istringstream csv_in(csv.str()), jsonl_in(jsonl.str());
  std::string line;
  std::getline(csv_in, line);
  while (std::getline(csv_in, line)) {
    std::size_t const last = line.rfind(','), before = line.rfind(',', last - 1);
    auto const time = line.substr(before + 1, last - before - 1);
    if (!time.empty()) lines.insert(std::stoull(time));
  }
  while (std::getline(jsonl_in, line)) {
    auto const samples = Json::parse(line).at("sample_ns").get<std::vector<std::uint64_t>>();
    records.insert(samples.begin(), samples.end());
  }
  EXPECT_EQ(lines, stored);
  EXPECT_EQ(records, stored);
  EXPECT_GT(stored.size(), 100u);
}

TEST_F(GoldenTest, GoogleBenchmarkHasRepetitionsAndKeepsFailuresApart) {
  auto const document = Json::parse(exported("google-benchmark"));
  EXPECT_EQ(document.at("context").at("num_cpus"), 2);
  std::size_t aggregates = 0;
  for (auto const& entry : document.at("benchmarks")) {
    for (auto const* const key : {"name", "run_name", "run_type", "repetitions", "threads",
                                  "iterations", "real_time", "cpu_time", "time_unit"}) {
      EXPECT_TRUE(entry.contains(key)) << key;
    }
    // A zero would make compare.py's geometric mean of everything zero.
    EXPECT_GT(entry.at("real_time"), 0) << entry;
    EXPECT_GT(entry.at("cpu_time"), 0) << entry;
    aggregates += entry.at("run_type") == "aggregate";
  }
  EXPECT_EQ(aggregates, 11u * 4);
  ASSERT_EQ(document.at("churn_failures").size(), 3u);
  for (auto const& failure : document.at("churn_failures")) {
    EXPECT_FALSE(failure.contains("real_time"));
    EXPECT_THAT(failure.at("error_message").get<std::string>(), HasSubstr(":"));
  }
}

TEST_F(GoldenTest, UnknownNamesAreRefusedWithThoseThereAre) {
  auto const report = built(few_rounds);
  EXPECT_THAT(error_of([&] { report::render(report, "pdf"); }),
              AllOf(HasSubstr("'pdf'"), HasSubstr("terminal, markdown, html, csv, json")));
  EXPECT_THAT(error_of([&] { exported("html"); }),
              AllOf(HasSubstr("'html'"), HasSubstr("google-benchmark, jsonl, csv")));
  EXPECT_THAT(error_of([&] { built(few_rounds, {"hoard"}); }),
              AllOf(HasSubstr("'hoard'"), HasSubstr("glibc"), HasSubstr("trial-deletion")));
}

TEST_F(GoldenTest, AnExportThatCannotBeWrittenSaysSo) {
  std::ofstream full("/dev/full");
  EXPECT_THAT(error_of([&] { exporting::write(written(few_rounds), 0, "csv", full); }),
              HasSubstr("cannot write the export"));
}

// Seeds come from what a cell is: the order in which cells were planned moves no interval.
TEST_F(GoldenTest, TheOrderOfCellsChangesNoInterval) {
  auto const store_with = [&](std::vector<double> const& order) {
    store::Store store(directory_ / std::to_string(order[0]), store::Store::Access::create);
    store::Run run;
    run.seed = 3;
    auto const id = store.add_run(run, {});
    for (double const op_ns : order) {
      store::Cell cell;
      cell.run_id = id;
      cell.key = {{op_ns == 10 ? "glibc" : "x" + std::to_string(op_ns), {}}, {}, {"malloc/a", {}}};
      cell.ops_per_sample = 1;
      auto const cell_id = store.add_cell(cell);
      Random random(static_cast<std::uint64_t>(op_ns));
      for (std::uint32_t round = 0; round < 8; ++round) {
        store::Invocation made;
        made.cell_id = cell_id;
        made.round = round;
        made.outcome = Outcome::ok;
        for (int i = 0; i < 5; ++i) {
          made.sample_ns.push_back(static_cast<std::uint64_t>(op_ns * 100) + random.below(300));
        }
        store.add_invocation(made);
      }
    }
    return to_json(report::build(store, id));
  };
  auto const one = store_with({10, 11, 12}), other = store_with({12, 10, 11});
  EXPECT_EQ(one, other);
  EXPECT_THAT(one, HasSubstr("\"interval\""));
}

// ---- words ----

TEST(Text, ThreeDigits) {
  for (auto const& [value, text] :
       std::vector<std::pair<double, std::string>>{{0, "0"},
                                                   {1, "1.00"},
                                                   {9.994, "9.99"},
                                                   {9.996, "10.0"},
                                                   {99.96, "100"},
                                                   {1234.6, "1235"},
                                                   {0.5, "0.500"},
                                                   {0.01234, "0.0123"},
                                                   {0.99996, "1.00"},
                                                   {1.5e9, "1.50e+09"},
                                                   {-12.34, "-12.3"},
                                                   {0.00001, "1.00e-05"}}) {
    EXPECT_EQ(report::three_digits(value), text);
  }
  EXPECT_EQ(report::count_text(1200345), "1200345");
  EXPECT_EQ(report::bytes_text(512), "512 B");
  EXPECT_EQ(report::bytes_text(1536), "1.50 KiB");
  EXPECT_EQ(report::bytes_text(3.0 * (1 << 30)), "3.00 GiB");
  EXPECT_EQ(report::counted(1, "round"), "1 round");
  EXPECT_EQ(report::counted(0, "round"), "0 rounds");
}

TEST(Text, WhatIsVisible) {
  EXPECT_EQ(report::visible("plain – µs 漢"), "plain – µs 漢");
  EXPECT_EQ(report::visible("a\tb\x1b[0m\x7f"), "a\\x09b\\x1b[0m\\x7f");
  EXPECT_EQ(report::visible("\xc3"), "\\xc3");                    // cut off
  EXPECT_EQ(report::visible("\xc0\xaf"), "\\xc0\\xaf");           // overlong
  EXPECT_EQ(report::visible("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(report::visible("\xc2\x9b"), "\\x9b");                // CSI as one character
  EXPECT_EQ(report::visible("\u2066x\u200b"), "\\u2066x\\u200b");
  EXPECT_EQ(report::width_of("µs"), 2u);
  EXPECT_THAT(report::wrapped("a bb ccc dddddd e", 4),
              ::testing::ElementsAre("a bb", "ccc", "dddddd", "e"));
}

}  // namespace
}  // namespace churn
