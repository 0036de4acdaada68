// The report page as it is written; tests/page/ opens it in a browser. UPDATE_GOLDEN=1 rewrites
// the golden file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>

#include "detector/report/html_escape.h"
#include "detector/report/html_page.h"
#include "stranded/report.h"
#include "tests/detector/dump_builder.h"

namespace stranded::detector {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kAttack[] = "</script><img src=x onerror=\"alert('x')\"><!--&";

// Senders whose context was cancelled, in files below `root`; `name` stands wherever names can.
Analysis Senders(const std::string& root, const std::string& name, Id senders = 2) {
  DumpBuilder dump;
  Context context = Ended(5, dump.At(root + "fetch.cc", 9, "First()"));
  context.cause = name;
  dump.Add(context);
  Channel channel;
  channel.id = 3;
  channel.site = dump.At(root + "fetch.cc", 10, "First()");
  channel.elem_type = name;
  channel.sends_started = senders;
  channel.waiting_senders = static_cast<std::uint32_t>(senders);
  dump.Add(channel);
  const SiteId send = dump.At(root + "fetch.cc", 14, name);
  const SiteId spawn = dump.At(root + "fetch.cc", 12, "First()");
  for (Id id = 7; id < 7 + senders; ++id) {
    TaskSpec task = Sender(id, 3, send);
    task.task.context = 5;
    task.task.spawn = 100 + id;
    task.task.name = name;
    dump.Add(task).Add(Spawned(100 + id, id, 99, spawn));
  }
  SpawnNode gone = Spawned(99, 2, 0, spawn);
  gone.name = name;
  dump.Add(gone).End();
  return Examine(dump);
}

// What stands between the first `open` and the next `close`.
std::string Between(const std::string& text, const std::string& open, const std::string& close) {
  const std::size_t begin = text.find(open);
  if (begin == std::string::npos) return "";
  const std::size_t from = begin + open.size();
  return text.substr(from, text.find(close, from) - from);
}

Json DataOf(const std::string& page) { return Json::parse(Between(page, "id=data>", "</script>")); }

// The page without the bundle, which has tests of its own.
std::string WithoutBundle(std::string page) {
  for (const std::string_view part : {kPageStyle, kPageScript}) {
    const std::size_t at = page.find(part);
    if (part.empty() || at == std::string::npos) ADD_FAILURE() << "the bundle is not in the page";
    page.replace(at, part.size(), "...");
  }
  return std::regex_replace(page, std::regex("sha256-[A-Za-z0-9+/=]+"), "sha256-...");
}

TEST(Html, Golden) {
  std::string text = WithoutBundle(HtmlReport(Senders("app/", "fetch <&\"|`")));
  // The rules' texts are the catalogue's, which has tests of its own.
  const std::string rules = Between(text, "<section class=rules>", "<noscript>");
  ASSERT_FALSE(rules.empty());
  text.replace(text.find(rules), rules.size(), "...");
  const std::string path = std::string(STRANDED_TEST_SOURCE_DIR) + "/tests/golden/senders.html";
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path, std::ios::binary) << text;
  std::ifstream file(path, std::ios::binary);
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(text, golden.str()) << path;
}

TEST(Html, NamesAreTextWhereverTheyStand) {
  const std::string page = WithoutBundle(HtmlReport(Senders("app/", kAttack)));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, Not(HasSubstr("<!--")));
  EXPECT_THAT(page, HasSubstr("&lt;/script&gt;&lt;img src=x onerror=&quot;alert(&#39;x&#39;)"));
  // Nothing ends the data early, and the script reads the name as it was.
  const Json data = DataOf(page);
  EXPECT_THAT(data["strings"], ::testing::Contains(Json(kAttack)));
}

TEST(Html, BytesThatAreNoTextAreReplaced) {
  const std::string page = WithoutBundle(HtmlReport(Senders("app/", "a\xff\x01")));
  EXPECT_THAT(DataOf(page)["strings"], ::testing::Contains(Json("a\xEF\xBF\xBD\\x01")));
  EXPECT_THAT(page, Not(HasSubstr("\xff")));
}

TEST(Html, EscapedTextEndsNoAttributeAndNoElement) {
  EXPECT_EQ(EscapeHtml("<a b='c' d=\"e\">&"), "&lt;a b=&#39;c&#39; d=&quot;e&quot;&gt;&amp;");
  EXPECT_EQ(JsonForScript(Json{{"k", "</script>&"}}), "{\"k\":\"\\u003c/script\\u003e\\u0026\"}");
}

TEST(Html, NothingIsLoadedAndOnlyTheBundleRuns) {
  const std::string page = WithoutBundle(HtmlReport(Senders("app/", "fetch")));
  const std::string policy = Between(page, "Content-Security-Policy content=\"", "\"");
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_THAT(page, Not(HasSubstr(" style=")));
  for (const char* load : {" src=", "<link", "<iframe", "http-equiv=refresh"}) {
    EXPECT_EQ(page.find(load), std::string::npos) << load;
  }
  for (const char* load : {"url(", "@import", "</"}) {
    EXPECT_EQ(kPageStyle.find(load), std::string_view::npos) << load;
  }
  for (const char* load : {"fetch(", "XMLHttpRequest", "import(", "</script", "<!--"}) {
    EXPECT_EQ(kPageScript.find(load), std::string_view::npos) << load;
  }
}

TEST(Html, NoAbsolutePathIsKept) {
  Analysis a = Senders("/srv/build/app/", "at /srv/build/app/fetch.cc:3");
  const std::string page = WithoutBundle(HtmlReport(a));
  EXPECT_THAT(page, Not(HasSubstr("/srv/build")));
  EXPECT_THAT(page, HasSubstr("fetch.cc:14"));
}

TEST(Html, EveryTaskOfALargeFindingIsMarked) {
  const Json data = DataOf(HtmlReport(Senders("app/", "fetch", 300)));
  EXPECT_EQ(data["findings"][0]["tasks"].size(), 100u);
  EXPECT_EQ(data["tasks"]["finding"], Json(std::vector<int>(300, 1)));
}

TEST(Html, TasksThatOnlyLookAlikeAreNotMarked) {
  Analysis a = Senders("app/", "fetch", 300);
  FindingData less = a.findings.at(0).data();
  less.task_count = 299;
  a.findings = {Finding(less)};
  const Json marks = DataOf(HtmlReport(a))["tasks"]["finding"];
  EXPECT_EQ(std::count(marks.begin(), marks.end(), Json(1)), 100);
}

TEST(Html, AncestorsThatAreGoneHoldTheTreeTogether) {
  const Json data = DataOf(HtmlReport(Senders("app/", "fetch")));
  EXPECT_EQ(data["tasks"]["parent"], Json({2, 2}));
  ASSERT_EQ(data["ghosts"].size(), 1u);
  EXPECT_EQ(data["ghosts"][0][0], 2);
}

TEST(Html, NothingStrandedIsSaidAndLossesAreNamed) {
  DumpBuilder dump;
  dump.Add(InState(1, TaskState::kRunning)).End();
  Analysis a = Examine(dump);
  const std::string good = WithoutBundle(HtmlReport(a));
  EXPECT_THAT(good, HasSubstr("<section class=\"verdict good\">\n<h1>Nothing is stranded</h1>"));
  a.summary.partly_lost = true;
  a.summary.losses = {"3 packets <are> damaged"};
  const std::string unsure = WithoutBundle(HtmlReport(a));
  EXPECT_THAT(unsure, HasSubstr("<section class=\"verdict unsure\">"));
  EXPECT_THAT(unsure, HasSubstr("3 packets &lt;are&gt; damaged"));
}

TEST(Html, WithoutADumpTheFindingsStandAlone) {
  Analysis a = Senders("app/", "fetch");
  a.dump = nullptr;
  const std::string page = WithoutBundle(HtmlReport(a));
  EXPECT_THAT(page, HasSubstr("<article class=finding id=F1"));
  EXPECT_FALSE(DataOf(page).contains("tasks"));
}

TEST(Html, FramesOfLibrariesAreNotTheUsers) {
  StackFrame frame;
  frame.function = "Work()";
  frame.file = "app/work.cc";
  frame.line = 3;
  EXPECT_EQ(OwnerOf(frame), FrameOwner::kUser);
  frame.file = "/usr/include/c++/12/thread";
  EXPECT_EQ(OwnerOf(frame), FrameOwner::kLibrary);
  frame.runtime = true;
  EXPECT_EQ(OwnerOf(frame), FrameOwner::kRuntime);
}

}  // namespace
}  // namespace stranded::detector
