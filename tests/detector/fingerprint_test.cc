// What findings are known by from run to run.
#include "detector/rules/fingerprint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "stranded/gate.h"
#include "tests/detector/dump_builder.h"
#include "tests/detector/object_specs.h"

namespace stranded::detector {
namespace {

using ::testing::ElementsAre;

// One sender in Work() for each line, with a channel made there.
std::vector<Finding> Senders(const std::vector<std::uint32_t>& lines) {
  DumpBuilder dump;
  Id id = 3;
  for (const std::uint32_t line : lines) {
    const SiteId at = dump.At("a.cc", line, "Work()");
    dump.Add(Unbuffered(id, at)).Add(Sender(id + 10, id, at));
    ++id;
  }
  return Examine(dump.End()).findings;
}

// By line.
std::vector<std::string> Ids(const std::vector<Finding>& findings) {
  std::map<std::uint32_t, std::string> by_line;
  for (const Finding& f : findings) by_line[f.wait_site().line] = std::string(f.fingerprint());
  std::vector<std::string> ids;
  for (const auto& [line, id] : by_line) ids.push_back(id);
  return ids;
}

TEST(Fingerprint, StaysWhenLinesIdsAndDirectoriesMove) {
  const auto make = [](const char* file, std::uint32_t line, Id id, const char* function) {
    DumpBuilder dump;
    const SiteId at = dump.At(file, line, function);
    return Examine(dump.Add(Unbuffered(id, at)).Add(Sender(id + 10, id, at)).End())
        .findings.at(0)
        .data()
        .fingerprint;
  };
  const std::string fingerprint = make("/usr/src/x/a.cc", 5, 3, "Work()");
  EXPECT_EQ(fingerprint, make("src/a.cc", 50, 4, "Work()"));
  EXPECT_NE(fingerprint, make("/usr/src/x/a.cc", 5, 3, "Play()"));
  EXPECT_THAT(fingerprint, ::testing::MatchesRegex("s1:[0-9a-f]{16}"));
}

// All lambdas of a function have one name: a leak beside a known one must be new.
TEST(Fingerprint, SeveralOfOneFunctionAreNumberedByTheirPlaces) {
  const std::string alone = Ids(Senders({5})).at(0);
  EXPECT_THAT(Ids(Senders({7, 5})), ElementsAre(alone, alone + "-2"));
  EXPECT_THAT(Ids(Senders({50, 60, 55})), ElementsAre(alone, alone + "-2", alone + "-3"));
  // Tasks at one place have one cause.
  EXPECT_THAT(Ids(Senders({5, 5})), ElementsAre(alone));
}

TEST(Fingerprint, NumbersAreGivenAnewWhenDumpsAreMerged) {
  const std::string alone = Ids(Senders({5})).at(0);
  const std::vector<Finding> merged =
      MergeByFingerprint({{"a", Senders({7})}, {"b", Senders({5})}, {"c", Senders({7, 5})}});
  EXPECT_THAT(Ids(merged), ElementsAre(alone, alone + "-2"));
  ASSERT_EQ(merged.size(), 2u);
  EXPECT_EQ(merged[0].task_count(), 2u);
  EXPECT_EQ(merged[1].task_count(), 2u);
}

TEST(Fingerprint, ABaselineKnowsOneOfTwo) {
  Baseline baseline;
  AddToBaseline(Senders({5}), "2026-01-01", "", "", baseline);
  int known = 0;
  for (const Finding& f : Senders({5, 9})) known += baseline.Find(f.fingerprint()) != nullptr;
  EXPECT_EQ(known, 1);
}

}  // namespace
}  // namespace stranded::detector
