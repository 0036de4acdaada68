// The report as one page that needs nothing else: findings as static HTML, data and a script that
// adds search, trees, graphs and timelines.
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "detector/model/snapshot.h"
#include "detector/report/gzip.h"
#include "detector/report/html_escape.h"
#include "detector/report/html_page.h"
#include "detector/report/outcome.h"
#include "detector/report/portable.h"
#include "stranded/paths.h"
#include "stranded/report.h"

namespace stranded {

using detector::EscapeHtml;

namespace {

constexpr std::size_t kMostTreeBytes = 200'000;  // of the tree for readers without a script

std::string CspHash(std::string_view hex) {
  return absl::StrCat("'sha256-", detector::Base64(absl::HexStringToBytes(std::string(hex))), "'");
}

std::string Head(const std::string& title) {
  return absl::StrCat(
      "<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
      // Nothing is loaded, and no other script or style runs, whatever names a dump holds.
      "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; base-uri 'none'; "
      "form-action 'none'; script-src ",
      CspHash(detector::kPageScriptSha256), "; style-src ", CspHash(detector::kPageStyleSha256),
      "\">\n<meta name=viewport content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=color-scheme content=\"light dark\">\n<title>",
      EscapeHtml(title), "</title>\n<style>", std::string(detector::kPageStyle),
      "</style>\n<script>", std::string(detector::kPageScript), "</script>\n</head>\n");
}

std::string Tile(std::size_t n, const char* one, const char* many) {
  return absl::StrCat("<li><b>", n, "</b> ", n == 1 ? one : many, "</li>");
}

std::string Verdict(const Analysis& a) {
  const AnalysisSummary& s = a.summary;
  std::string words = detector::Outcome(a);
  words[0] = absl::ascii_toupper(static_cast<unsigned char>(words[0]));
  std::string out = absl::StrCat(
      "<section class=\"verdict ",
      !a.findings.empty()      ? "bad"
      : detector::AllIsWell(a) ? "good"
                               : "unsure",
      "\">\n<h1>", words, "</h1>\n<ul class=tiles>", Tile(s.tasks, "task alive", "tasks alive"),
      Tile(s.blocked, "blocked", "blocked"),
      s.contexts == 0 ? "" : Tile(s.contexts, "context", "contexts"),
      s.channels == 0 ? "" : Tile(s.channels, "channel", "channels"), "</ul>\n<p class=about>");
  const std::string program = detector::PortablePath(s.program);
  if (!program.empty()) absl::StrAppend(&out, "<b>", EscapeHtml(program), "</b>");
  for (const std::string& part :
       {s.world, s.label, s.reason.empty() ? "" : "snapshot taken at " + s.reason}) {
    if (!part.empty()) absl::StrAppend(&out, " · ", EscapeHtml(part));
  }
  absl::StrAppend(&out, "</p>\n");
  if (s.deadlock) out += "<p class=notice>Everything is blocked: a global deadlock.</p>\n";
  if (a.look_again > 0) {
    absl::StrAppend(&out, "<p class=notice>", detector::LookAgain(a), ".</p>\n");
  }
  for (const std::string& loss : s.losses) {
    absl::StrAppend(&out, "<p class=notice><b>Missing:</b> ", EscapeHtml(loss), "</p>\n");
  }
  return out + "</section>\n";
}

// What the rules that were found mean, each once.
std::string Rules(const std::vector<FindingData>& findings) {
  std::string out;
  for (const RuleText& rule : RuleCatalogue()) {
    bool found = false;
    for (const FindingData& d : findings) found |= d.rule == rule.id;
    if (!found) continue;
    absl::StrAppend(&out, "<article id=\"rule-", rule.id, "\"><h3>", rule.id, "</h3><p><b>",
                    EscapeHtml(rule.finds), "</b></p>");
    for (const absl::string_view paragraph : absl::StrSplit(rule.explain, "\n\n")) {
      if (!paragraph.empty())
        absl::StrAppend(&out, "<p>", EscapeHtml(std::string(paragraph)), "</p>");
    }
    out += "</article>\n";
  }
  if (out.empty()) return out;
  return absl::StrCat("<section class=rules><h2>What the rules mean</h2>\n", out, "</section>\n");
}

// As a shell reads it.
std::string FileInCommands(const Analysis& analysis) {
  if (!analysis.summary.typed_as.empty()) return analysis.summary.typed_as;
  const std::string source = analysis.dump == nullptr ? "" : analysis.dump->source;
  const std::string file = source == "-" ? "" : detector::PortablePath(source);
  if (file.empty()) return "DUMP";
  return ShellWord(file[0] == '-' ? "./" + file : file);  // else it would be an option
}

std::string Findings(const Analysis& analysis, const std::vector<FindingData>& findings) {
  std::string out = "<section id=findings>\n";
  const std::string file = FileInCommands(analysis);
  for (std::size_t i = 0; i < findings.size(); ++i) {
    std::vector<detector::FrameOwner> owners;  // asked of whole paths, which are not shown
    for (const StackFrame& f : analysis.findings[i].data().stack) {
      owners.push_back(detector::OwnerOf(f));
    }
    out += detector::HtmlFinding(findings[i], i + 1, owners, file);
  }
  if (findings.empty()) {
    out += detector::AllIsWell(analysis)
               ? "<p class=empty>No task is stuck. There is nothing to fix.</p>\n"
               : "<p class=empty>No stuck task was found.</p>\n";
  }
  return out + "</section>\n";
}

// Readers without a script get the tree as text.
std::string PlainTree(const Analysis& analysis) {
  std::string tree = TreeReport(analysis);
  if (analysis.dump != nullptr) {
    for (const auto& [id, site] : analysis.dump->sites) {
      if (site.file.empty() || site.file.front() != '/') continue;
      for (std::size_t at = 0; (at = tree.find(site.file, at)) != std::string::npos;) {
        tree.replace(at, site.file.size(), detector::PortablePath(site.file));
      }
    }
  }
  if (tree.size() > kMostTreeBytes) {
    tree.resize(tree.rfind('\n', kMostTreeBytes) + 1);
    tree += "...\n";
  }
  return absl::StrCat("<noscript><section class=plain-tree><h2>Contexts and tasks</h2><pre>",
                      EscapeHtml(tree), "</pre></section></noscript>\n");
}

// Much of it is packed, which browsers unpack by themselves.
std::string Data(const std::string& json) {
  constexpr std::size_t kMostPlain = 1 << 20;
  const std::string packed = json.size() > kMostPlain ? detector::Gzip(json) : json;
  const bool pack = packed.size() < json.size();
  return absl::StrCat("<script type=\"application/json\" id=data", pack ? " data-packed" : "", ">",
                      pack ? detector::Base64(packed) : json, "</script>\n");
}

}  // namespace

std::string HtmlReport(const Analysis& analysis) {
  const std::vector<FindingData> findings = detector::PortableFindings(analysis);
  const std::string program = detector::PortablePath(analysis.summary.program);
  return absl::StrCat(
      Head(absl::StrCat(detector::Verdict(analysis), program.empty() ? "" : " - ", program,
                        " - Stranded")),
      "<body>\n<header class=top><span class=brand>Stranded</span><span class=tools></span>"
      "</header>\n<main>\n",
      Verdict(analysis), Findings(analysis, findings), Rules(findings), PlainTree(analysis),
      "</main>\n", Data(detector::JsonForScript(detector::PageData(analysis, findings))),
      "</body>\n</html>\n");
}

}  // namespace stranded
