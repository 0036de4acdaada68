#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <limits>
#include <memory>

#include "absl/strings/str_cat.h"
#include "cli/commands/command.h"
#include "cli/manual/amounts.h"
#include "cli/manual/choices.h"
#include "cli/terminal/progress.h"
#include "stranded/dump_reader.h"
#include "stranded/go_dump.h"
#include "stranded/paths.h"
#include "stranded/report.h"

namespace stranded::cli {
namespace {

// It may be one of the machine that built the program: no error.
void WarnIfNoFolder(const std::string& root) {
  std::error_code error;
  if (std::filesystem::is_directory(root, error)) return;
  std::fprintf(stderr, "stranded: --source-root: there is no folder '%s' here\n", root.c_str());
}

}  // namespace

void AddPathOptions(CLI::App& app, InputOptions& options) {
  app.add_option("--source-root", options.source_root,
                 "Where the sources are: paths are shown relative to it (default .)")
      ->option_text("DIR")
      ->each(&WarnIfNoFolder);
  app.add_flag("--absolute-paths", options.absolute_paths,
               "Show paths as the build machine had them, instead of relative ones or last parts");
}

void AddInputOptions(CLI::App& app, InputOptions& options, bool many) {
  const char* what = "Dump file, or - for standard input";
  if (many) {
    app.add_option("FILE", options.files, what)->required();
  } else {
    app.add_option("FILE", options.file, what)->required();
  }
  AddAnalysisOptions(app, options);
}

void AddAnalysisOptions(CLI::App& app, InputOptions& options) {
  std::vector<std::string> ids;
  for (const RuleText& rule : RuleCatalogue()) ids.emplace_back(rule.id);
  OneOf(app.add_option("--rule", options.rules,
                       "Only findings of this rule, repeatable; `stranded explain` lists them"),
        "RULE", ids)
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  // An empty text is in every site.
  NotEmpty(app.add_option("--ignore", options.ignore,
                          "Leave out tasks whose wait or spawn site has this text in file:line or "
                          "function, repeatable"),
           "TEXT")
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  AtLeast(app.add_option(
              "--growth", options.growth_threshold,
              absl::StrCat("So many tasks blocked at one place are a pile (rule growth; default ",
                           options.growth_threshold, ")")),
          "N", 1, std::int64_t{1} << 40);
  Seconds(app.add_option(
      "--min-age", options.min_age_seconds,
      "How long a task must have been blocked in a program that still ran (default 1)"));
  AddPathOptions(app, options);
}

void AddColorOption(CLI::App& app, std::string& when) {
  OneOf(app.add_option("--color", when, "auto (default: on a terminal), always or never"), "WHEN",
        {"auto", "always", "never"});
}

std::string Today() {
  const std::time_t now = std::time(nullptr);
  char text[16];
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
  return text;
}

bool PartlyLost(const Analysis& analysis) { return analysis.summary.partly_lost; }

Exit CleanUnlessLost(const Analysis& analysis) {
  if (!PartlyLost(analysis)) return kClean;
  for (const std::string& loss : analysis.summary.losses) {
    std::fprintf(stderr, "stranded: missing: %s\n", loss.c_str());
  }
  return kInput;
}

void ShowPaths(const InputOptions& options, Analysis& analysis) {
  if (!options.absolute_paths) DropMachinePaths(analysis, PathPrefix(options.source_root));
}

namespace {

std::string Argument(const std::string& file, bool live) {
  const std::string quoted = ShellWord(file);
  // Else it would be an option.
  const char* here = file.size() > 1 && file[0] == '-' ? "./" : "";
  return absl::StrCat(live ? "--live " : "", here, quoted);
}

}  // namespace

std::string FileArgument(const InputOptions& options) {
  return Argument(options.live ? options.live_as[0] : options.file, options.live);
}

std::string FileArgument(const InputOptions& options, std::size_t number) {
  return Argument(options.live ? options.live_as[number + 1] : options.files[number], options.live);
}

namespace {

AnalysisOptions OptionsFrom(const InputOptions& options) {
  AnalysisOptions analysis;
  analysis.rules = options.rules;
  analysis.ignore = options.ignore;
  analysis.growth_threshold = options.growth_threshold;
  analysis.count_hidden = true;
  analysis.source_root = options.source_root;
  analysis.min_age = absl::Seconds(options.min_age_seconds);
  if (options.all_tasks) analysis.most_tasks_listed = std::numeric_limits<std::size_t>::max();
  return analysis;
}

std::unique_ptr<Analysis> OrSayWhy(absl::StatusOr<Analysis> analysis) {
  if (analysis.ok()) return std::make_unique<Analysis>(*std::move(analysis));
  std::fprintf(stderr, "stranded: %s\n", std::string(analysis.status().message()).c_str());
  return nullptr;
}

// How a dump is read; `root` is where shown paths begin.
detector::ReadOptions ToRead(const InputOptions& input, const std::string& root) {
  detector::ReadOptions read;
  read.source_root = root;
  read.events = detector::EventStorage::kEncoded;
  const AnalysisOptions analysis = OptionsFrom(input);
  if (input.merge) {
    read.merge = detector::MergeAlike{analysis.min_age, analysis.most_tasks_listed};
  }
  return read;
}

constexpr std::size_t kHead = 64 << 10;

// Go's dumps are read as they come; anything else is read to its end first.
absl::StatusOr<Analysis> FromStream(std::FILE* in, const std::string& source,
                                    const AnalysisOptions& options,
                                    const detector::ReadOptions& read) {
  const std::string name = source == "-" ? "standard input" : source;
  std::string bytes(kHead, '\0');
  bytes.resize(std::fread(bytes.data(), 1, kHead, in));
  if (LooksLikeGo(bytes)) return AnalyzeGoStream(bytes, in, name, options);
  char buffer[kHead];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, in)) bytes.append(buffer, n);
  auto dump = detector::ReadDump(bytes, source, read);
  if (dump.ok()) return Analyze(*std::move(dump), options);
  // There may be much of a log before the first goroutine.
  auto go = AnalyzeGo(bytes, name, options);
  return go.ok() ? std::move(go) : dump.status();
}

// What can be read once only, as the shell's <(...).
bool IsPipe(const std::string& file) {
  struct stat found;
  return stat(file.c_str(), &found) == 0 && (S_ISFIFO(found.st_mode) || S_ISCHR(found.st_mode));
}

absl::StatusOr<Analysis> FromFile(const std::string& file, const AnalysisOptions& options,
                                  const detector::ReadOptions& read) {
  if (IsPipe(file)) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in(std::fopen(file.c_str(), "rbe"),
                                                             &std::fclose);
    if (in != nullptr) return FromStream(in.get(), file, options, read);
  }
  if (std::error_code error; std::filesystem::is_directory(file, error)) {
    const std::filesystem::path dumps = std::filesystem::path(file) / "*.strd";
    return absl::UnavailableError(absl::StrCat("cannot read '", file, "': it is a folder; write ",
                                               dumps.string(), " for the dumps in it"));
  }
  if (IsGoFile(file)) return AnalyzeGoFiles({file}, options);
  auto dump = detector::ReadDumpFile(file, read);
  if (dump.ok()) return Analyze(*std::move(dump), options);
  if (!absl::IsInvalidArgument(dump.status())) return dump.status();
  auto go = AnalyzeGoFiles({file}, options);
  return go.ok() ? std::move(go) : dump.status();
}

}  // namespace

std::unique_ptr<Analysis> Load(const std::string& file, const InputOptions& options) {
  const AnalysisOptions analysis = OptionsFrom(options);
  const Progress progress([&] { return "reading " + file; });
  const auto read = ToRead(options, options.absolute_paths ? "" : options.source_root);
  return OrSayWhy(file == "-" ? FromStream(stdin, file, analysis, read)
                              : FromFile(file, analysis, read));
}

std::unique_ptr<Analysis> LoadGoSeries(const InputOptions& options) {
  const Progress progress([&] { return absl::StrCat("reading ", options.files.size(), " dumps"); });
  return OrSayWhy(AnalyzeGoFiles(options.files, OptionsFrom(options)));
}

}  // namespace stranded::cli
