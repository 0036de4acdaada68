// Edits of source lines, and the diffs made of them.
#include "detector/fixes/source_edit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace stranded::detector {
namespace {

namespace fs = std::filesystem;

std::string Edited(const std::string& line) { return WithCapacity(line, 4).value_or("unchanged"); }

TEST(WithCapacity, PutsTheNumberIntoDeclarationsAndExpressions) {
  EXPECT_EQ(Edited("  Chan<int> ch;"), "  Chan<int> ch(4);");
  EXPECT_EQ(Edited("Chan<int> ch(0);  // none"), "Chan<int> ch(4);  // none");
  EXPECT_EQ(Edited("stranded::Chan<int> ch{};"), "stranded::Chan<int> ch(4);");
  EXPECT_EQ(Edited("auto ch = Chan<std::pair<int, int>>();"),
            "auto ch = Chan<std::pair<int, int>>(4);");
  EXPECT_EQ(Edited("auto ch = Chan<int>(1);"), "auto ch = Chan<int>(4);");
  EXPECT_EQ(Edited("const auto p = std::make_shared<Chan<int>>();"),
            "const auto p = std::make_shared<Chan<int>>(4);");
  EXPECT_EQ(Edited("Use(stranded::Chan<int>());"), "Use(stranded::Chan<int>(4));");
  EXPECT_EQ(Edited("Pump() : out_(Chan<int>()) {}"), "Pump() : out_(Chan<int>(4)) {}");
}

TEST(WithCapacity, LeavesAloneWhatItCannotBeSureOf) {
  for (const char* line :
       {"Chan<int> ch(limit);", "std::vector<Chan<int>> all(3);",
        "auto v = std::vector<Chan<int>>(3);", "Chan<int> a, b;", "Chan<int> a(4), b;",
        "Chan<int> a{1} , b(1);", "auto nil = Chan<int>::Nil();", "Chan<Chan<int>> nested;",
        "Chan<int> out_;", "MyChan<int> ch;", "int x;", "", "Chan<", "Chan<int"}) {
    EXPECT_EQ(Edited(line), "unchanged") << line;
  }
}

TEST(MakesSeveral, ByCommaOrByType) {
  for (const char* line : {"Chan<int> a, b;", "  Chan<int> a(50), b;", "Chan<int> a{1} , b(1);",
                           "Chan<std::pair<int, int>> a, b;",
                           "auto a = Chan<int>(), b = Chan<int>();", "Chan<int> a; Chan<int> b;"}) {
    EXPECT_TRUE(MakesSeveral(line)) << line;
  }
  for (const char* line :
       {"Chan<int> a;", "Use(Chan<int>(), b);", "auto a = Chan<int>(4);", "Chan<int> a(F(1, 2));",
        "std::map<int, Chan<int>> all;", "int a, b;", "", "Chan<"}) {
    EXPECT_FALSE(MakesSeveral(line)) << line;
  }
}

std::string Sent(std::vector<std::string> lines, std::size_t number) {
  return WithContextSend(lines, number).value_or("unchanged");
}

TEST(WithContextSend, GivesUpWithTheTasksContext) {
  EXPECT_EQ(Sent({"Go([ch] {", "  ch.Send(Fetch(url, 1));", "});"}, 2),
            "  if (!ch.Send(stranded::this_task::GetContext(), Fetch(url, 1)).ok()) return;");
}

TEST(WithContextSend, TakesAnyExpression) {
  EXPECT_EQ(
      Sent({"Go([ch] {", "  ch.Send(Reply{.text = \");}\"});", "});"}, 2),
      "  if (!ch.Send(stranded::this_task::GetContext(), Reply{.text = \");}\"}).ok()) return;");
}

// A line of a task's lambda.
std::string SentAs(const std::string& line) { return Sent({"Go([=] {", line, "});"}, 2); }

TEST(WithContextSend, LeavesAloneWhatAPlainReturnWouldNotFit) {
  EXPECT_NE(SentAs("  ch.Send(1);"), "unchanged");
  EXPECT_EQ(SentAs("  ch.Send(ctx, 1);"), "unchanged");
  EXPECT_EQ(SentAs("  ch.Send(ctx, Fetch(1));"), "unchanged");
  EXPECT_EQ(SentAs("  if (x) ch.Send(1);"), "unchanged");
  EXPECT_EQ(SentAs("  ch.Send(\"(\"); Log(\")\");"), "unchanged");
  EXPECT_EQ(Sent({"Go([ch] {", "  ch.Send(1); });"}, 2), "unchanged");
  EXPECT_EQ(Sent({"int F() {", "  ch.Send(1);", "  return 3;", "}"}, 2), "unchanged");
  EXPECT_EQ(Sent({"int main() {", "  ch.Send(1);", "}"}, 2), "unchanged");
  EXPECT_EQ(Sent({"  ch.Send(1);"}, 1), "unchanged");
  EXPECT_EQ(Sent({"  ch.Send(1);"}, 2), "unchanged");
}

TEST(WithContextSend, IsAStatementOfItsOwn) {
  EXPECT_NE(Sent({"Go([=] {", "  if (x)", "    ch.Send(1);", "});"}, 3), "unchanged");
  // The `else` would become that of the new `if`.
  EXPECT_EQ(Sent({"Go([=] {", "  if (x)", "    ch.Send(1);", "  else", "    F();", "});"}, 3),
            "unchanged");
  EXPECT_EQ(Sent({"Go([=] {", "  x = y ||", "    ch.Send(1);", "});"}, 3), "unchanged");
}

class Diff : public ::testing::Test {
 protected:
  Diff() : dir_(fs::path(::testing::TempDir()) / "stranded_diff_test") {
    fs::remove_all(dir_);
    fs::create_directories(dir_ / "src");
    fs::create_directories(dir_ / "build");
  }
  ~Diff() override { fs::remove_all(dir_); }

  void Write(const std::string& text) { std::ofstream(dir_ / "src/a.cc") << text; }
  std::string Read() {
    std::ostringstream text;
    text << std::ifstream(dir_ / "src/a.cc").rdbuf();
    return text.str();
  }
  bool Patch(const std::string& diff) {
    std::ofstream(dir_ / "fix.diff") << diff;
    const std::string command = "cd '" + dir_.string() + "' && patch -s -p1 < fix.diff";
    return std::system(command.c_str()) == 0;
  }

  fs::path dir_;
};

TEST_F(Diff, IsTakenByPatch) {
  Write("1\n2\n3\n4\nChan<int> ch;\n6\n7\n8\n9\n");
  const auto source = FindSource("src/a.cc", dir_.string());
  ASSERT_TRUE(source.has_value());
  EXPECT_EQ(source->shown, "src/a.cc");
  ASSERT_TRUE(Patch(DiffOfLine(*source, 5, "Chan<int> ch(4);")));
  EXPECT_EQ(Read(), "1\n2\n3\n4\nChan<int> ch(4);\n6\n7\n8\n9\n");
}

TEST_F(Diff, IsTakenAtTheEdgesOfAFileWithoutALastNewline) {
  Write("Chan<int> ch;");
  const auto source = FindSource((dir_ / "src/a.cc").string(), dir_.string());
  ASSERT_TRUE(source.has_value());
  ASSERT_TRUE(Patch(DiffOfLine(*source, 1, "Chan<int> ch(4);")));
  EXPECT_EQ(Read(), "Chan<int> ch(4);");
}

TEST_F(Diff, FromABuildDirectoryItIsSeenFromTheProject) {
  Write("Chan<int> ch;\n");
  std::ofstream(dir_ / "CMakeLists.txt") << "\n";
  std::ofstream(dir_ / "src/CMakeLists.txt") << "\n";
  const auto source = FindSource((dir_ / "src/a.cc").string(), (dir_ / "build").string());
  ASSERT_TRUE(source.has_value());
  EXPECT_EQ(source->shown, "src/a.cc");
}

TEST_F(Diff, MissingSourcesGiveNone) {
  EXPECT_FALSE(FindSource("src/b.cc", dir_.string()).has_value());
  EXPECT_FALSE(FindSource("", dir_.string()).has_value());
  EXPECT_FALSE(FindSource(dir_.string(), "/").has_value());
}

}  // namespace
}  // namespace stranded::detector
