#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "cli/commands/command.h"
#include "stranded/dump_reader.h"
#include "stranded/go_dump.h"
#include "stranded/report.h"

namespace stranded::cli {

void AddInputOptions(CLI::App& app, InputOptions& options, bool many) {
  const char* what = "Dump file, or - for standard input";
  if (many) {
    app.add_option("FILE", options.files, what)->required();
  } else {
    app.add_option("FILE", options.file, what)->required();
  }
  std::vector<std::string> ids;
  for (const RuleText& rule : RuleCatalogue()) ids.emplace_back(rule.id);
  app.add_option("--rule", options.rules, "Only findings of this rule (repeatable)")
      ->check(CLI::IsMember(ids))
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--ignore", options.ignore,
                 "Leave out tasks whose wait or spawn site has this text in file:line or function")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--min-age", options.min_age_seconds,
                 "Seconds a task must have been blocked in a program that still ran (default 1)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--source-root", options.source_root,
                 "Where relative source paths are looked up for diffs (default .)");
}

bool UseColor(const std::string& when) {
  if (when != "auto") return when == "always";
  const char* no_color = std::getenv("NO_COLOR");
  const bool wanted = no_color == nullptr || *no_color == '\0';
  return wanted && isatty(STDOUT_FILENO) == 1;
}

bool PartlyLost(const Analysis& analysis) { return analysis.summary.partly_lost; }

namespace {

AnalysisOptions OptionsFrom(const InputOptions& options) {
  AnalysisOptions analysis;
  analysis.rules = options.rules;
  analysis.ignore = options.ignore;
  analysis.source_root = options.source_root;
  analysis.min_age = absl::Seconds(options.min_age_seconds);
  return analysis;
}

std::unique_ptr<Analysis> OrSayWhy(absl::StatusOr<Analysis> analysis) {
  if (analysis.ok()) return std::make_unique<Analysis>(*std::move(analysis));
  std::fprintf(stderr, "stranded: %s\n", std::string(analysis.status().message()).c_str());
  return nullptr;
}

}  // namespace

namespace {

constexpr std::size_t kHead = 64 << 10;

// Go's dumps are read as they come; anything else is read to its end first.
absl::StatusOr<Analysis> FromStandardInput(const AnalysisOptions& options) {
  std::string bytes(kHead, '\0');
  bytes.resize(std::fread(bytes.data(), 1, kHead, stdin));
  if (LooksLikeGo(bytes)) return AnalyzeGoStream(bytes, stdin, "standard input", options);
  char buffer[kHead];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, stdin)) bytes.append(buffer, n);
  auto dump = detector::ReadDump(bytes, "-");
  if (dump.ok()) return Analyze(*std::move(dump), options);
  // There may be much of a log before the first goroutine.
  auto go = AnalyzeGo(bytes, "standard input", options);
  return go.ok() ? std::move(go) : dump.status();
}

absl::StatusOr<Analysis> FromFile(const std::string& file, const AnalysisOptions& options) {
  if (IsGoFile(file)) return AnalyzeGoFiles({file}, options);
  auto dump = detector::ReadDumpFile(file);
  if (dump.ok()) return Analyze(*std::move(dump), options);
  if (!absl::IsInvalidArgument(dump.status())) return dump.status();
  auto go = AnalyzeGoFiles({file}, options);
  return go.ok() ? std::move(go) : dump.status();
}

}  // namespace

std::unique_ptr<Analysis> Load(const std::string& file, const InputOptions& options) {
  const AnalysisOptions analysis = OptionsFrom(options);
  return OrSayWhy(file == "-" ? FromStandardInput(analysis) : FromFile(file, analysis));
}

std::unique_ptr<Analysis> LoadGoSeries(const InputOptions& options) {
  return OrSayWhy(AnalyzeGoFiles(options.files, OptionsFrom(options)));
}

}  // namespace stranded::cli
