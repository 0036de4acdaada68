// --format NAME[:FILE] and -o FILE: which reports are written, and where.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/command.h"
#include "cli/manual/choices.h"
#include "cli/manual/suggest.h"
#include "cli/terminal/terminal.h"
#include "cli/terminal/wrap.h"
#include "stranded/paths.h"
#include "stranded/report.h"

namespace stranded::cli {
namespace {

struct Format {
  const char* name;
  std::string (*write)(const Analysis& analysis, const OutputOptions& options);
  bool binary = false;
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
    {"text", Text},
    {"json", Plain<JsonReport>},
    {"markdown", Plain<MarkdownReport>},
    {"html", Plain<HtmlReport>},
    {"sarif", Sarif},
    {"junit", Plain<JunitReport>},
    {"github", Plain<GithubReport>},
    {"gitlab", Plain<GitlabReport>},
    {"ndjson", Plain<NdjsonReport>},
    {"dot", Plain<DotReport>},
    {"pprof", Plain<PprofReport>, true},
    {"perfetto", Plain<PerfettoReport>, true},
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
  std::string file;  // empty: standard output
};

Wanted Parse(const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::string_view name = std::string_view(text).substr(0, colon);
  Wanted wanted;
  for (const Format& f : kFormats) {
    if (name == f.name) wanted.format = &f;
  }
  if (colon != std::string::npos) wanted.file = text.substr(colon + 1);
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

bool Write(const std::string& text, const Wanted& wanted) {
  if (wanted.file.empty()) {
    if (wanted.format->write == Text) {
      Print(WrapReport(text, ReportWidth()));
      return true;
    }
    if (wanted.format->binary && isatty(STDOUT_FILENO) == 1) {
      std::fprintf(stderr, "stranded: %s is binary and not written to a terminal: use -o FILE\n",
                   wanted.format->name);
      return false;
    }
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  }
  std::FILE* file = std::fopen(wanted.file.c_str(), "wb");
  bool ok = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (file != nullptr && std::fclose(file) != 0) ok = false;
  if (!ok) {
    std::fprintf(stderr, "stranded: cannot write the %s report to '%s'; check the path\n",
                 wanted.format->name, wanted.file.c_str());
  }
  return ok;
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
        return std::string();
      })
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("-o,--output", options.file,
                 "Where the formats without a file of their own go (default standard output)")
      ->option_text("FILE");
  AddColorOption(app, options.color);
  app.add_flag("!--no-stacks", options.stacks, "Leave the stacks out of the text");
}

bool StdoutIsData(const OutputOptions& options) {
  for (const Wanted& wanted : AllWanted(options)) {
    const std::string_view name = wanted.format->name;
    if (wanted.file.empty() && name != "text" && name != "github") return true;
  }
  return false;
}

bool WritesFiles(const OutputOptions& options) {
  for (const Wanted& wanted : AllWanted(options)) {
    if (!wanted.file.empty()) return true;
  }
  return false;
}

bool PrintReport(const Analysis& analysis, const OutputOptions& options) {
  bool ok = true;
  const Analysis shown = options.absolute_paths
                             ? analysis
                             : WithoutMachinePaths(analysis, PathPrefix(options.source_root));
  std::set<std::string> files;
  std::vector<Wanted> all = AllWanted(options);
  // Files first: whoever reads standard output may close it early.
  std::ranges::stable_partition(all, [](const Wanted& w) { return !w.file.empty(); });
  for (const Wanted& wanted : all) {
    if (!wanted.file.empty() && !files.insert(wanted.file).second) {
      std::fprintf(stderr, "stranded: two formats would be written to '%s'; use NAME:FILE\n",
                   wanted.file.c_str());
      return false;
    }
    OutputOptions own = options;  // colour that is right for a terminal is not for a file
    if (!wanted.file.empty() && own.color == "auto") own.color = "never";
    ok &= Write(wanted.format->write(shown, own), wanted);
  }
  return ok;
}

}  // namespace stranded::cli
