// --format NAME[:FILE] and -o FILE: which reports are written, and where.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/command.h"
#include "cli/manual/amounts.h"
#include "cli/manual/choices.h"
#include "cli/manual/suggest.h"
#include "cli/terminal/terminal.h"
#include "cli/terminal/wrap.h"
#include "stranded/internal/output_file.h"
#include "stranded/paths.h"
#include "stranded/report.h"

namespace stranded::cli {
namespace {

struct Format {
  const char* name;
  std::string (*write)(const Analysis& analysis, const OutputOptions& options);
  bool binary = false;
  bool lines = false;       // several reports, one after the other, are still of this format
  bool heading = false;     // and each needs one
  bool whole_dump = false;  // made of a dump, not of findings
};

template <std::string (*report)(const Analysis&)>
std::string Plain(const Analysis& analysis, const OutputOptions&) {
  return report(analysis);
}

std::string Text(const Analysis& analysis, const OutputOptions& options) {
  TextOptions text;
  text.color = UseColor(options.color);
  text.stacks = options.stacks;
  return TextReport(analysis, text);
}

std::string Sarif(const Analysis& analysis, const OutputOptions& options) {
  return SarifReport(analysis, options.source_root);
}

constexpr Format kFormats[] = {
    {"text", Text, false, true},
    {"json", Plain<JsonReport>},
    {"markdown", Plain<MarkdownReport>, false, true, true},
    {"html", Plain<HtmlReport>},
    {"sarif", Sarif},
    {"junit", Plain<JunitReport>},
    {"github", Plain<GithubReport>, false, true},
    {"gitlab", Plain<GitlabReport>},
    {"ndjson", Plain<NdjsonReport>, false, true},
    {"dot", Plain<DotReport>},
    {"pprof", Plain<PprofReport>, true},
    {"perfetto", Plain<PerfettoReport>, true, false, false, true},
};

std::vector<std::string> NameList() {
  std::vector<std::string> names;
  for (const Format& f : kFormats) names.emplace_back(f.name);
  return names;
}

std::string Names() { return absl::StrJoin(NameList(), ", "); }

// What stands before and after the first colon of NAME[:FILE].
struct Wanted {
  const Format* format = nullptr;
  std::string file;    // empty: standard output
  bool colon = false;  // a file is to be named
};

Wanted Parse(const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::string_view name = std::string_view(text).substr(0, colon);
  Wanted wanted;
  for (const Format& f : kFormats) {
    if (name == f.name) wanted.format = &f;
  }
  wanted.colon = colon != std::string::npos;
  if (wanted.colon) wanted.file = text.substr(colon + 1);
  return wanted;
}

std::vector<Wanted> AllWanted(const OutputOptions& options) {
  std::vector<Wanted> all;
  for (const std::string& text : options.formats) all.push_back(Parse(text));
  if (all.empty()) all.push_back(Parse("text"));
  for (Wanted& wanted : all) {
    if (wanted.file.empty()) wanted.file = options.file;
    if (wanted.file == "-") wanted.file.clear();
  }
  return all;
}

bool IsText(const Wanted& wanted) {
  const std::string_view name = wanted.format->name;
  return name == "text" || name == "github";
}

// A document to standard output, with something else before or behind it, is none.
std::string WhyNotToStdout(const std::vector<Wanted>& all) {
  std::vector<std::string> names;
  bool document = false;
  for (const Wanted& wanted : all) {
    if (!wanted.file.empty()) continue;
    names.emplace_back(wanted.format->name);
    document |= !IsText(wanted);
    if (wanted.format->binary && isatty(STDOUT_FILENO) == 1) {
      return absl::StrCat(wanted.format->name,
                          " is binary and not written to a terminal: use -o FILE");
    }
  }
  if (!document || names.size() < 2) return "";
  return absl::StrCat(absl::StrJoin(names, " and "),
                      " would both go to standard output; use NAME:FILE");
}

// Findings can be merged into one report, but not dumps.
std::string OneDumpOnly(const Format& format) {
  return absl::StrCat(format.name, " shows one dump; give one");
}

bool IsSameFile(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return false;
  if (a == b) return true;
  std::error_code error;
  return std::filesystem::is_regular_file(a, error) && std::filesystem::equivalent(a, b, error);
}

Exit Write(const std::string& text, const Wanted& wanted) {
  if (wanted.file.empty()) {
    if (wanted.format->write == Text) {
      Print(WrapReport(text, ReportWidth()));
    } else {
      std::fwrite(text.data(), 1, text.size(), stdout);  // main asks once whether that worked
    }
    return kClean;
  }
  const absl::Status written = internal::WriteFile(wanted.file, text);
  if (written.ok()) return kClean;
  std::fprintf(stderr, "stranded: cannot write the %s report to %s\n", wanted.format->name,
               std::string(written.message()).c_str());
  return kInternal;
}

}  // namespace

void AddOutputOptions(CLI::App& app, OutputOptions& options) {
  Offer(app.add_option("--format", options.formats,
                       absl::StrCat("Repeatable: ", Names(), " (default text)")),
        "NAME[:FILE]", NameList())
      ->check([](const std::string& text) {
        const Wanted wanted = Parse(text);
        if (wanted.format == nullptr) {
          return absl::StrCat("'", text, "' is no format; one of ", Names(), ", with :FILE or not",
                              DidYouMean(text.substr(0, text.find(':')), NameList()));
        }
        if (wanted.colon && wanted.file.empty()) {
          return absl::StrCat("'", text, "' names no file; '", wanted.format->name,
                              "' alone goes to standard output");
        }
        return std::string();
      })
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  NotEmpty(
      app.add_option("-o,--output", options.file,
                     "Where the formats without a file of their own go (default standard output)"),
      "FILE");
  AddColorOption(app, options.color);
  app.add_flag("!--no-stacks", options.stacks, "Leave the stacks out of the text");
  app.parse_complete_callback([&options] {
    const auto has_file = [](const std::string& text) { return !Parse(text).file.empty(); };
    if (options.file.empty() || options.formats.empty()) return;
    if (!std::ranges::all_of(options.formats, has_file)) return;
    throw CLI::ValidationError(absl::StrCat("nothing goes to --output ", options.file,
                                            ": each --format names a file of its own"));
  });
}

bool StdoutIsData(const OutputOptions& options) {
  for (const Wanted& wanted : AllWanted(options)) {
    if (wanted.file.empty() && !IsText(wanted)) return true;
  }
  return false;
}

bool StdoutIsText(const OutputOptions& options) {
  return std::ranges::any_of(AllWanted(options), [](const Wanted& wanted) {
    return wanted.file.empty() && wanted.format->write == Text;
  });
}

std::string PartHead(const OutputOptions& options, const std::string& file) {
  if (!StdoutIsData(options)) return absl::StrCat("== ", file, "\n");
  const auto is_markdown = [](const Wanted& w) { return w.file.empty() && w.format->heading; };
  // A line of ndjson names its dump itself.
  return std::ranges::any_of(AllWanted(options), is_markdown) ? absl::StrCat("# `", file, "`\n\n")
                                                              : "";
}

std::string WhyNotSeveral(const OutputOptions& options) {
  for (const Wanted& wanted : AllWanted(options)) {
    if (!wanted.file.empty()) {
      return "the report of each dump would replace that of the one before; give one dump, or no "
             "file";
    }
    if (wanted.format->whole_dump) return OneDumpOnly(*wanted.format);
    if (!wanted.format->lines) {
      return absl::StrCat("the reports of several dumps, one after the other, are no ",
                          wanted.format->name,
                          "; give one dump, or merge them: stranded gate --fail-on never --format ",
                          wanted.format->name, " FILE...");
    }
  }
  return "";
}

std::string WhyNotSo(const OutputOptions& options, const std::vector<std::string>& inputs,
                     const std::vector<std::pair<std::string, std::string>>& others) {
  if (std::ranges::count(inputs, "-") > 1) return kStdinTwice;
  const std::vector<Wanted> all = AllWanted(options);
  std::set<std::filesystem::path> files;
  for (const Wanted& wanted : all) {
    const char* const name = wanted.format->name;
    std::error_code error;
    if (!wanted.file.empty() &&
        !files.insert(std::filesystem::weakly_canonical(wanted.file, error)).second) {
      return absl::StrCat("two formats would be written to '", wanted.file, "'; use NAME:FILE");
    }
    for (const std::string& input : inputs) {
      if (!IsSameFile(wanted.file, input)) continue;
      return absl::StrCat("the ", name, " report would replace the dump '", input, "'");
    }
    for (const auto& [what, path] : others) {
      if (!IsSameFile(wanted.file, path)) continue;
      return absl::StrCat("the ", name, " report would replace the ", what, " '", path, "'");
    }
    if (wanted.format->whole_dump && inputs.size() > 1) return OneDumpOnly(*wanted.format);
  }
  return WhyNotToStdout(all);
}

Exit PrintReport(const Analysis& analysis, const OutputOptions& options) {
  std::vector<Wanted> all = AllWanted(options);
  const Analysis shown = options.absolute_paths
                             ? analysis
                             : WithoutMachinePaths(analysis, PathPrefix(options.source_root));
  // Files first: whoever reads standard output may close it early.
  std::ranges::stable_partition(all, [](const Wanted& w) { return !w.file.empty(); });
  Exit worst = kClean;
  for (const Wanted& wanted : all) {
    OutputOptions own = options;  // colour that is right for a terminal is not for a file
    if (!wanted.file.empty() && own.color == "auto") own.color = "never";
    worst = std::max(worst, Write(wanted.format->write(shown, own), wanted));
  }
  return worst;
}

}  // namespace stranded::cli
