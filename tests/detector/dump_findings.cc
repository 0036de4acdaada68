// What the detector says of a dump that a test has built.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "stranded/dump_reader.h"
#include "tests/detector/dump_builder.h"

namespace stranded::detector {

Analysis Examine(const DumpBuilder& dump, const AnalysisOptions& options) {
  auto read = ReadDump(dump.bytes(), "test");
  EXPECT_TRUE(read.ok()) << read.status();
  return read.ok() ? Analyze(*std::move(read), options) : Analysis();
}

std::string Rules(const Analysis& analysis) {
  std::multiset<std::string> rules;
  for (const Finding& f : analysis.findings) rules.emplace(f.rule());
  std::string text;
  for (const std::string& rule : rules) text += (text.empty() ? "" : ",") + rule;
  return text;
}

Finding Only(const Analysis& analysis, std::string_view rule) {
  for (const Finding& f : analysis.findings) {
    if (f.rule() == rule) return f;
  }
  ADD_FAILURE() << "no finding of " << rule << "; found: " << Rules(analysis);
  return Finding(FindingData());
}

bool HasFix(const Finding& finding, FixKind kind) {
  return std::ranges::any_of(finding.fixes(), [&](const Fix& fix) { return fix.kind == kind; });
}

std::string AllText(const Finding& finding) {
  const FindingData& d = finding.data();
  std::string text = d.title + "\n";
  for (const auto* lines : {&d.peer, &d.graph, &d.notes}) {
    for (const std::string& line : *lines) text += line + "\n";
  }
  for (const Fix& fix : d.fixes) {
    text += fix.summary + "\n" + fix.reason + "\n" + fix.diff;
    for (const std::string& warning : fix.warnings) text += warning + "\n";
  }
  return text;
}

}  // namespace stranded::detector
