#include "detector/explore/replayed_report.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "detector/rules/fingerprint.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

bool SameFinding(const Finding& a, const Finding& b) {
  return detector::CauseKey(a.data()) == detector::CauseKey(b.data()) &&
         a.wait_site().ToString() == b.wait_site().ToString();
}

// But for the numbers of tasks, which differ from run to run.
bool SameNote(std::string a, std::string b) {
  const auto is_digit = [](unsigned char c) { return c >= '0' && c <= '9'; };
  std::erase_if(a, is_digit);
  std::erase_if(b, is_digit);
  return a == b;
}

void AddNotes(FindingData& to, const std::vector<std::string>& notes) {
  for (const std::string& note : notes) {
    const bool known = std::any_of(to.notes.begin(), to.notes.end(),
                                   [&](const std::string& n) { return SameNote(n, note); });
    if (!known) to.notes.push_back(note);
  }
}

}  // namespace

const Finding* Counterpart(const Finding& of, const LeakReport& in) {
  for (const Finding& other : in.findings()) {
    if (SameFinding(of, other)) return &other;
  }
  return nullptr;
}

LeakReport AsReplayed(const LeakReport& report, const LeakReport& replayed) {
  const auto in_replay = [&](const Finding& f) { return Counterpart(f, replayed) != nullptr; };
  if (!std::all_of(report.findings().begin(), report.findings().end(), in_replay)) return report;
  Analysis analysis = replayed.analysis();
  std::erase_if(analysis.findings,
                [&](const Finding& f) { return Counterpart(f, report) == nullptr; });
  for (Finding& finding : analysis.findings) {
    const FindingData& before = Counterpart(finding, report)->data();
    FindingData data = finding.data();
    data.verdict = before.verdict;  // it may be a prediction
    AddNotes(data, before.notes);
    finding = Finding(std::move(data));
  }
  analysis.summary.stranded = StrandedIn(analysis.findings);
  analysis.summary.world = report.analysis().summary.world;  // by the seed one comes there again
  return LeakReport(std::move(analysis));
}

}  // namespace stranded::detector
