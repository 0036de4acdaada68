// Which folder the reports of a program itself leave out of its paths.
#include "detector/report/source_root.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "stranded/leak_check.h"
#include "stranded/options.h"
#include "stranded/stranded.h"

namespace stranded::detector {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(SourceRoot, IsTheCurrentFolderIfAnythingIsBelowIt) {
  const std::string here = fs::current_path().string();
  EXPECT_EQ(SourceRoot({}, "."), ".");
  EXPECT_EQ(SourceRoot({"a.cc", "src/b.cc"}, "."), ".");
  EXPECT_EQ(SourceRoot({"/nowhere/a.cc", here + "/b.cc"}, "."), ".");
  EXPECT_EQ(SourceRoot({"/nowhere/a.cc"}, "src"), "src");
}

TEST(SourceRoot, IsElseWhatTheFilesShare) {
  EXPECT_EQ(SourceRoot({"/nowhere/one/a.cc"}, "."), "/nowhere/one");
  EXPECT_EQ(
      SourceRoot({"/nowhere/one/lib/a.cc", "/nowhere/one/b.cc", "/usr/include/c++/12/thread"}, "."),
      "/nowhere/one");
  EXPECT_EQ(SourceRoot({"/nowhere/a.cc", "/elsewhere/a.cc"}, "."), ".");
}

TEST(SourceRoot, IsElseTheirProject) {
  char name[] = "/tmp/stranded-root-XXXXXX";
  const fs::path root = mkdtemp(name);
  fs::create_directories(root / "tests/unit");
  std::ofstream(root / "CMakeLists.txt");
  std::ofstream(root / "tests/CMakeLists.txt");
  EXPECT_EQ(SourceRoot({(root / "tests/unit/a.cc").string()}, "."), root.string());
  fs::remove_all(root);
}

TEST(SourceRoot, AsTheOptionsSay) {
  const Options before = GetOptions();
  Options options = before;
  options.source_root = "/nowhere";
  SetOptionsForTesting(options);
  EXPECT_EQ(SourceRoot({"/nowhere/one/a.cc"}, "."), "/nowhere");
  SetOptionsForTesting(before);
}

TEST(SourceRoot, IsLeftOutOfASingleName) {
  EXPECT_EQ(ShortFile("/nowhere/one/a_test.cc"), "a_test.cc");
  EXPECT_EQ(ShortFile("tests/a_test.cc"), "tests/a_test.cc");
}

TEST(SourceRoot, IsLeftOutOfAnInterleaving) {
  ExploreResult result;
  for (const char* file : {"/nowhere/one/a.cc", "/nowhere/one/lib/b.cc", "/usr/include/thread"}) {
    result.steps.emplace_back().site = {file, "F()", 1, 1};
  }
  ShortenSteps(result);
  EXPECT_EQ(result.steps[0].site.file, "a.cc");
  EXPECT_EQ(result.steps[1].site.file, "lib/b.cc");
  EXPECT_EQ(result.steps[2].site.file, "/usr/include/thread");  // not shown at all
}

// As a compiler without -ffile-prefix-map names its places.
#line 1 "/nowhere/project/src/leak.cc"
void Strand() {
  Chan<int> values;
  Go({.name = "left"}, [values] { values.Send(1); });
}
#line 1 "/nowhere/project/main.cc"
std::string Checked() {
  LeakScope scope;
  Strand();
  const LeakReport report = scope.Check();
  return report.ToText();
}
#line 87 "tests/detector/source_root_test.cc"

TEST(SourceRoot, ReportsOfTheProgramItselfNameNoFolderOfTheMachine) {
  const std::string text = Checked();
  EXPECT_THAT(text, HasSubstr("blocked   at src/leak.cc:3"));
  EXPECT_THAT(text, Not(HasSubstr("/nowhere")));
}

}  // namespace
}  // namespace stranded::detector
