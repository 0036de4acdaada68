// The output formats: golden files, and what no golden file of one dump can show.
// UPDATE_GOLDEN=1 rewrites the golden files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "detector/report/line_hash.h"
#include "detector/report/portable.h"
#include "detector/report/sarif_fix.h"
#include "stranded/report.h"
#include "tests/detector/dump_builder.h"

namespace stranded::detector {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Two senders whose context was cancelled, in files below `root`.
Analysis Senders(const std::string& root = "app/") {
  DumpBuilder dump;
  dump.Add(Ended(5, dump.At(root + "fetch.cc", 9, "First()")));
  Channel channel;
  channel.id = 3;
  channel.site = dump.At(root + "fetch.cc", 10, "First()");
  channel.elem_type = "int";
  channel.sends_started = channel.waiting_senders = 2;
  dump.Add(channel);
  const SiteId send = dump.At(root + "fetch.cc", 14, "Fetch()");
  dump.Add(Spawned(17, 7, 0, dump.At(root + "fetch.cc", 12, "First()")));
  for (const Id id : {7, 8}) {
    TaskSpec task = Sender(id, 3, send);
    task.task.context = 5;
    task.task.spawn = 17;
    task.task.name = "fetch <&\"|`";
    dump.Add(task);
  }
  TaskSpec main = InState(1, TaskState::kRunning);
  main.task.is_main = true;
  dump.Add(main);
  dump.End();
  return Examine(dump);
}

Analysis Clean() {
  DumpBuilder dump;
  dump.Add(InState(1, TaskState::kRunning));
  dump.End();
  return Examine(dump);
}

Analysis Many(std::size_t n) {
  Analysis analysis = Senders();
  analysis.findings.resize(n, analysis.findings.at(0));
  return analysis;
}

void ExpectGolden(const std::string& name, const std::string& text) {
  const std::string path = std::string(STRANDED_TEST_SOURCE_DIR) + "/tests/golden/" + name;
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path, std::ios::binary) << text;
  std::ifstream file(path, std::ios::binary);
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(text, golden.str()) << path;
}

std::string Unzipped(const std::string& gzip) {
  z_stream z{};
  EXPECT_EQ(inflateInit2(&z, 15 + 16), Z_OK);
  std::string in = gzip, out(1 << 20, '\0');
  z.next_in = reinterpret_cast<Bytef*>(in.data());
  z.avail_in = static_cast<uInt>(in.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  inflateEnd(&z);
  return out;
}

std::string Hex(const std::string& bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    char text[3];
    std::snprintf(text, sizeof text, "%02x", static_cast<unsigned char>(bytes[i]));
    out += text;
    if (i % 32 == 31) out += '\n';
  }
  return out + "\n";
}

TEST(Formats, Golden) {
  const Analysis a = Senders();
  ASSERT_EQ(a.findings.size(), 1u);
  ExpectGolden("senders.md", MarkdownReport(a));
  ExpectGolden("senders.xml", JunitReport(a));
  ExpectGolden("senders.github", GithubReport(a));
  ExpectGolden("senders.gitlab.json", GitlabReport(a));
  ExpectGolden("senders.ndjson", NdjsonReport(a));
  ExpectGolden("senders.dot", DotReport(a));
  ExpectGolden("senders.pprof.hex", Hex(Unzipped(PprofReport(a))));
  ExpectGolden("senders.perfetto.hex", Hex(PerfettoReport(a)));
  // The rules' texts are the catalogue's, which has tests of its own.
  nlohmann::ordered_json sarif = nlohmann::ordered_json::parse(SarifReport(a));
  sarif["runs"][0]["tool"]["driver"]["rules"].clear();
  ExpectGolden("senders.sarif", sarif.dump(2) + "\n");
}

TEST(Formats, NothingStrandedIsSaidInEachWay) {
  const Analysis a = Clean();
  EXPECT_THAT(MarkdownReport(a), HasSubstr("nothing is stranded"));
  EXPECT_THAT(JunitReport(a), HasSubstr("tests=\"1\" failures=\"0\" errors=\"0\""));
  EXPECT_EQ(GithubReport(a), "");
  EXPECT_EQ(GitlabReport(a), "[]\n");
  EXPECT_THAT(SarifReport(a), HasSubstr("\"results\": []"));
}

TEST(Formats, APartlyLostDumpIsNoPassedTest) {
  Analysis a = Clean();
  a.summary.partly_lost = true;
  a.summary.losses = {"3 packets are damaged"};
  EXPECT_THAT(JunitReport(a), HasSubstr("<error message=\"the dump is partly lost\">3 packets"));
  EXPECT_THAT(JunitReport(a), Not(HasSubstr("name=\"nothing is stranded\"")));
  EXPECT_THAT(SarifReport(a), HasSubstr("\"executionSuccessful\": false"));
}

TEST(Formats, NoAbsolutePathIsKept) {
  const Analysis a = Senders("/srv/build/app/");
  for (const std::string& text :
       {MarkdownReport(a), SarifReport(a), JunitReport(a), GithubReport(a), GitlabReport(a),
        NdjsonReport(a), DotReport(a), Unzipped(PprofReport(a)), PerfettoReport(a)}) {
    EXPECT_THAT(text, Not(HasSubstr("/srv/build")));
    EXPECT_THAT(text, HasSubstr("fetch.cc"));
  }
}

TEST(Formats, GithubShowsTenAndCountsTheRest) {
  const std::string text = GithubReport(Many(12));
  std::size_t errors = 0;
  for (std::size_t at = 0; (at = text.find("::error ", at)) != std::string::npos; ++at) ++errors;
  EXPECT_EQ(errors, 10u);
  EXPECT_THAT(text, HasSubstr("::notice title=Stranded::2 more findings are not shown here"));
}

TEST(Formats, GithubPutsErrorsBeforeWarnings) {
  Analysis a = Many(2);
  FindingData mild = a.findings[0].data();
  mild.verdict = "predicted";
  a.findings[0] = Finding(mild);
  EXPECT_THAT(GithubReport(a), StartsWith("::error "));
}

TEST(Formats, NamesAndFingerprintsAreUnique) {
  const auto issues = nlohmann::json::parse(GitlabReport(Many(2)));
  EXPECT_NE(issues[0]["fingerprint"], issues[1]["fingerprint"]);
  EXPECT_THAT(JunitReport(Many(2)), HasSubstr(") #2\""));
}

TEST(Formats, BytesThatAreNoTextAreReplaced) {
  EXPECT_EQ(Utf8("a\xff\x01z"), "a\xEF\xBF\xBD\xEF\xBF\xBDz");
  EXPECT_EQ(Utf8("\xC3\xA4\xF0\x9F\x98\x80"), "\xC3\xA4\xF0\x9F\x98\x80");
  EXPECT_EQ(Utf8("\xED\xA0\x80").find('\xED'), std::string::npos);  // half of a surrogate pair
  EXPECT_EQ(Utf8("\xF0\x9F"), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Formats, WithoutADumpTheGraphShowsTheFindings) {
  Analysis a = Senders();
  a.dump = nullptr;
  EXPECT_THAT(DotReport(a), HasSubstr("finding1 [label="));
  EXPECT_EQ(PerfettoReport(a), "");
}

TEST(Formats, AContextRingEnds) {
  DumpBuilder dump;
  for (const Id id : {1, 2}) {
    Context context = Ended(id, 0);
    context.parent = 3 - id;
    dump.Add(context);
  }
  TaskSpec task = Sender(7, 3, dump.At("a.cc", 1));
  task.task.context = 1;
  dump.Add(task);
  dump.End();
  const Analysis a = Examine(dump);
  EXPECT_THAT(DotReport(a), HasSubstr("digraph"));
  EXPECT_THAT(PerfettoReport(a), HasSubstr("context 1"));
}

TEST(LineHash, BlanksDoNotCountAndEqualLinesAreNumbered) {
  EXPECT_EQ(LineHash("a b\n", 1), LineHash("\ta  b\r\n", 1));
  EXPECT_NE(LineHash("ab\n", 1), LineHash("ac\n", 1));
  EXPECT_EQ(LineHash("ab\n", 3), "");
  const std::string same(120, 'x');
  EXPECT_THAT(LineHash(same + "\n" + same + "\n", 2), testing::EndsWith(":2"));
}

TEST(SarifFix, ADiffBecomesReplacements) {
  const Json changes = ArtifactChanges(
      "--- a/a b.cc\n+++ b/a b.cc\n@@ -5,3 +5,4 @@\n one\n-two\n+deux\n+et\n three\n");
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0]["artifactLocation"]["uri"], "a%20b.cc");
  const Json& edit = changes[0]["replacements"].at(0);
  EXPECT_EQ(edit["deletedRegion"]["startLine"], 6);
  EXPECT_EQ(edit["deletedRegion"]["endLine"], 7);
  EXPECT_EQ(edit["insertedContent"]["text"], "deux\net\n");
  EXPECT_TRUE(ArtifactChanges("no diff").empty());
}

}  // namespace
}  // namespace stranded::detector
