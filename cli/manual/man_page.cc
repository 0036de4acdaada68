#include "cli/manual/man_page.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "cli/version.h"

namespace stranded::cli {
namespace {

// Text that roff shows as it is.
std::string Plain(const std::string& text) {
  const std::string escaped = absl::StrReplaceAll(text, {{"\\", "\\e"}, {"-", "\\-"}});
  return !escaped.empty() && (escaped[0] == '.' || escaped[0] == '\'') ? "\\&" + escaped : escaped;
}
std::string Bold(const std::string& text) { return absl::StrCat("\\fB", Plain(text), "\\fR"); }
std::string Italic(const std::string& text) { return absl::StrCat("\\fI", Plain(text), "\\fR"); }

void Paragraph(std::string& out, const std::string& head, const std::string& text) {
  absl::StrAppend(&out, ".TP\n", head, "\n", Plain(text), "\n");
}

// Examples and other text of the footer, line by line.
void Verbatim(std::string& out, const std::string& text) {
  if (text.empty()) return;
  absl::StrAppend(&out, ".PP\n.nf\n");
  for (const auto line : absl::StrSplit(text, '\n')) {
    absl::StrAppend(&out, Plain(std::string(line)), "\n");
  }
  absl::StrAppend(&out, ".fi\n");
}

void Options(std::string& out, const CommandOutline& c) {
  for (const OptionOutline& o : c.options) {
    std::vector<std::string> names;
    for (const std::string& name : o.names) {
      names.push_back(Bold(name) + (o.value.empty() ? "" : " " + Italic(o.value)));
    }
    std::string text = o.text;
    if (o.choices.size() > 12) absl::StrAppend(&text, ": ", absl::StrJoin(o.choices, ", "));
    Paragraph(out, absl::StrJoin(names, ", "), text);
  }
}

std::string Usage(const CommandOutline& c) {
  std::string usage = Bold("stranded " + c.name);
  if (!c.options.empty()) absl::StrAppend(&usage, " [", Italic("options"), "]");
  for (const ArgumentOutline& a : c.arguments) {
    absl::StrAppend(&usage, a.name == "CMD" ? " \\-\\- " : " ", a.required ? "" : "[",
                    Italic(a.name), a.many ? "..." : "", a.required ? "" : "]");
  }
  return usage;
}

void Command(std::string& out, const CommandOutline& c) {
  absl::StrAppend(&out, ".SS \"", Plain(c.name), "\"\n", Usage(c), "\n.PP\n", Plain(c.text), ".\n");
  for (const ArgumentOutline& a : c.arguments) Paragraph(out, Italic(a.name), a.text);
  Options(out, c);
  Verbatim(out, c.footer);
}

void ExitStatus(std::string& out) {
  absl::StrAppend(&out, ".SH EXIT STATUS\n");
  Paragraph(out, Bold("0"), "Nothing is stranded, or only what is known.");
  Paragraph(out, Bold("1"), "There are findings.");
  Paragraph(out, Bold("2"), "The command line is wrong.");
  Paragraph(
      out, Bold("3"),
      "Input is missing or unreadable, or part of it is lost and nothing was found in the rest.");
  Paragraph(out, Bold("4"), "Internal error, or the output could not be written.");
  absl::StrAppend(&out,
                  ".PP\nA program whose main() is CheckedMain ends with 86 if it has findings.\n");
}

void Environment(std::string& out) {
  absl::StrAppend(&out, ".SH ENVIRONMENT\n");
  Paragraph(out, Bold("NO_COLOR"), "If it is set and not empty, no colour without --color always.");
  Paragraph(out, Bold("COLUMNS"), "The width to write for, if it is not the terminal's.");
  Paragraph(out, Bold("LC_ALL, LC_CTYPE, LANG"),
            "Where they do not name UTF-8, drawings are made of ASCII characters.");
  Paragraph(out, Bold("GITHUB_ACTIONS"), "If it is true, gate also prints workflow commands.");
  Paragraph(out, Bold("STRANDED_OPTIONS"),
            "key=value:key=value, read by programs that link the runtime; dump=FILE makes them "
            "write a dump.");
}

}  // namespace

std::string ManPage(const Outline& outline) {
  std::string out = absl::StrCat(".TH STRANDED 1 \"\" \"stranded ", kVersion,
                                 "\" \"User Commands\"\n.SH NAME\nstranded \\- ",
                                 "find tasks that are stuck for good\n.SH SYNOPSIS\n");
  for (const CommandOutline& c : outline.commands) absl::StrAppend(&out, Usage(c), "\n.br\n");
  absl::StrAppend(&out, ".SH DESCRIPTION\n", Plain(outline.program.text),
                  ".\nIt reads dumps of programs that link the Stranded runtime, and Go's own "
                  "goroutine dumps and profiles.\n.SH OPTIONS\n");
  Options(out, outline.program);
  absl::StrAppend(&out, ".SH COMMANDS\n");
  for (const CommandOutline& c : outline.commands) Command(out, c);
  ExitStatus(out);
  Environment(out);
  absl::StrAppend(&out, ".SH EXAMPLES\n");
  Verbatim(out, outline.program.footer);
  return out;
}

}  // namespace stranded::cli
