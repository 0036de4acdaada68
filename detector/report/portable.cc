#include "detector/report/portable.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "detector/model/snapshot.h"
#include "detector/report/outcome.h"
#include "stranded/paths.h"
#include "stranded/report.h"

namespace stranded::detector {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Bytes of the character that begins at `i`, or 0 if there is none that is well formed.
std::size_t CharacterAt(std::string_view s, std::size_t i) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(s[k]); };
  const unsigned char first = byte(i);
  if (first < 0x80) return first >= 0x20 || first == '\n' || first == '\t' ? first != 0x7f : 0;
  const std::size_t n = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || i + n > s.size()) return 0;
  for (std::size_t k = 1; k < n; ++k) {
    if ((byte(i + k) & 0xC0) != 0x80) return 0;
  }
  const unsigned char second = byte(i + 1);
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
  if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
  if (first == 0xEF && second == 0xBF && byte(i + 2) >= 0xBE) return 0;  // not allowed in XML
  return n;
}

// Replaces absolute paths, which only the dump's sites and the frames can have brought in.
class Paths {
 public:
  Paths(const Analysis& analysis, std::string_view prefix) : prefix_(prefix) {
    if (analysis.dump != nullptr) {
      for (const auto& [id, site] : analysis.dump->sites) Learn(site.file);
    }
    for (const Finding& f : analysis.findings) {
      Learn(f.wait_site().file);
      Learn(f.spawn_site().file);
      for (const StackFrame& frame : f.data().stack) Learn(frame.file);
    }
  }

  void Clean(FindingData& d) const {
    for (SourceSite* site :
         {&d.wait_site, &d.spawn_site, &d.context_site, &d.sync_site, &d.channel.site}) {
      Clean(*site);
    }
    for (std::string* text : {&d.title, &d.task_name, &d.stack_note, &d.channel.elem_type}) {
      Clean(*text);
    }
    for (auto* lines : {&d.peer, &d.graph, &d.notes}) {
      for (std::string& line : *lines) Clean(line);
    }
    for (ContextStep& c : d.contexts) {
      Clean(c.site);
      Clean(c.ended_site);
      Clean(c.cause);
    }
    for (SpawnStep& step : d.ancestry) {
      Clean(step.site);
      Clean(step.name);
    }
    for (StackFrame& frame : d.stack) {
      Clean(frame.function);
      frame.file = PortablePath(frame.file, prefix_);
      frame.module = PortablePath(frame.module);
    }
    for (auto* fixes : {&d.fixes, &d.candidates}) {
      for (Fix& fix : *fixes) Clean(fix);
    }
  }

 private:
  void Learn(std::string_view file) {
    if (file.empty() || file.front() != '/') return;
    names_.try_emplace(std::string(file), PortablePath(file, prefix_));
  }
  // Functions, too: clang names lambdas by their place.
  void Clean(SourceSite& site) const {
    Clean(site.function);
    site.file = PortableSourcePath(site.file, prefix_);
  }
  void Clean(std::string& text) const {
    if (!names_.empty()) text = absl::StrReplaceAll(text, names_);
  }
  void Clean(Fix& fix) const {
    Clean(fix.site);
    for (std::string* text : {&fix.summary, &fix.reason, &fix.verification, &fix.patch}) {
      Clean(*text);
    }
    for (std::string& warning : fix.warnings) Clean(warning);
    // `patch -p1` needs the whole path: without it the edit would not apply.
    const std::string before = fix.diff;
    Clean(fix.diff);
    if (fix.diff != before) fix.diff.clear();
  }

  std::string_view prefix_;
  std::map<std::string, std::string> names_;
};

}  // namespace

std::string PortableSourcePath(std::string_view file, std::string_view prefix) {
  const std::size_t library = file.find("include/c++/");  // stays one of the library's
  return library == file.npos ? PortablePath(file, prefix) : std::string(file.substr(library));
}

std::string PortablePath(std::string_view path, std::string_view prefix) {
  path = BelowPrefix(path, prefix);
  while (path.substr(0, 2) == "./") path.remove_prefix(2);
  if (!path.empty() && path.front() == '/') path.remove_prefix(path.rfind('/') + 1);
  return std::string(path);
}

void MakeSitesPortable(Dump& dump, std::string_view prefix) {
  for (auto& [id, site] : dump.sites) {
    const std::string file = PortableSourcePath(site.file, prefix);
    if (file != site.file) site.file = dump.packets_kept.Keep(file);
  }
}

std::string Utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = CharacterAt(text, i);
    out += n == 0 ? kReplacement : text.substr(i, n);
    i += std::max<std::size_t>(n, 1);
  }
  return out;
}

std::vector<FindingData> PortableFindings(const Analysis& analysis, std::string_view prefix) {
  const Paths paths(analysis, prefix);
  std::vector<FindingData> out;
  out.reserve(analysis.findings.size());
  for (const Finding& finding : analysis.findings) {
    out.push_back(finding.data());
    paths.Clean(out.back());
  }
  return out;
}

const SourceSite& MainSite(const FindingData& d) {
  for (const SourceSite* site :
       {&d.wait_site, &d.context_site, &d.channel.site, &d.sync_site, &d.spawn_site}) {
    if (site->known() && !site->in_library()) return *site;
  }
  return d.wait_site;
}

bool IsError(const FindingData& d) { return d.verdict == "proven" || d.verdict == "cancelled"; }

std::string Details(const FindingData& d) { return Utf8(TextFinding(Finding(d))); }

std::string ContextName(const FindingData& d) {
  if (d.contexts.empty()) return "none";
  const ContextStep* step = &d.contexts.front();
  for (const ContextStep& c : d.contexts) {
    if (c.origin) step = &c;
  }
  return step->site.known() ? absl::StrCat(step->kind, " at ", step->site.ToString()) : step->kind;
}

std::string Verdict(const Analysis& a) {
  const AnalysisSummary& s = a.summary;
  return absl::StrCat(Outcome(a), " (", s.tasks, s.tasks == 1 ? " task" : " tasks", " alive, ",
                      s.blocked, " blocked)");
}

}  // namespace stranded::detector
