// What the commands share: options of several of them, and exit codes.
#ifndef STRANDED_CLI_COMMANDS_COMMAND_H_
#define STRANDED_CLI_COMMANDS_COMMAND_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "stranded/analysis.h"

namespace stranded::cli {

// The contract with CI (docs/cli.md).
enum Exit { kClean = 0, kFindings = 1, kUsage = 2, kInput = 3, kInternal = 4 };

// Options that say what to look at and how to print it.
struct InputOptions {
  std::vector<std::string> files;  // of commands that take several
  std::string file;                // of those that take one
  std::vector<std::string> rules;
  std::vector<std::string> ignore;
  std::string source_root = ".";
  bool absolute_paths = false;
  double min_age_seconds = 1;
  std::size_t growth_threshold = AnalysisOptions{}.growth_threshold;
  bool live = false;                 // a number is a process id
  std::vector<std::string> live_as;  // FILE, and then files, as they were given with --live
  bool all_tasks = false;            // findings list every task, not just the first
  bool merge = true;                 // tasks that are alike: see detector::MergeAlike
};
void AddInputOptions(CLI::App& app, InputOptions& options, bool many);
// Those of them that do not name the input; and those that say how paths are shown.
void AddAnalysisOptions(CLI::App& app, InputOptions& options);
void AddPathOptions(CLI::App& app, InputOptions& options);

struct OutputOptions {
  std::vector<std::string> formats;  // NAME or NAME:FILE; empty: text
  std::string file;                  // of the one format that names none; empty: standard output
  std::string source_root = ".";     // of the input options, as the next
  bool absolute_paths = false;
  std::string color = "auto";
  bool stacks = true;
};
void AddOutputOptions(CLI::App& app, OutputOptions& options);
void AddColorOption(CLI::App& app, std::string& when);
// Why reports cannot be written so, whatever the dumps say; empty if they can. `inputs`: the dumps.
// `others`: what else no report may replace, by what it is.
std::string WhyNotSo(const OutputOptions& options, const std::vector<std::string>& inputs,
                     const std::vector<std::pair<std::string, std::string>>& others = {});
// Writes each format to its file. Otherwise says why not on stderr, and returns kInternal.
Exit PrintReport(const Analysis& analysis, const OutputOptions& options);
// True if a format other than text goes to standard output, where nothing else must stand then.
bool StdoutIsData(const OutputOptions& options);
// True if the text goes to standard output.
bool StdoutIsText(const OutputOptions& options);
// What stands before the report of one dump of several.
std::string PartHead(const OutputOptions& options, const std::string& file);
// Why reports of several dumps cannot be written so; empty if they can.
std::string WhyNotSeveral(const OutputOptions& options);

// "-" as more than one input.
inline constexpr char kStdinTwice[] = "standard input, -, was given twice and can be read once";

// --live: FILE may be a process id.
void AddLiveOption(CLI::App& app, InputOptions& options);
// Puts the file that such a process writes in the place of its id. Otherwise says why not on
// stderr, and leaves the exit code.
bool ResolveLive(InputOptions& options, int& exit_code);

// Reads and analyses one dump. On failure prints why and returns nothing: exit with kInput.
std::unique_ptr<Analysis> Load(const std::string& file, const InputOptions& options);
// All files as dumps of one Go program, oldest first; findings are of the last.
std::unique_ptr<Analysis> LoadGoSeries(const InputOptions& options);
std::string Today();  // YYYY-MM-DD, UTC
// True if something of the dump was lost that findings may have been in.
bool PartlyLost(const Analysis& analysis);
// kClean, or kInput after saying on stderr what was lost.
Exit CleanUnlessLost(const Analysis& analysis);
// Paths as --source-root and --absolute-paths want them, for what is printed from the dump itself.
void ShowPaths(const InputOptions& options, Analysis& analysis);
// FILE as it is typed in another command, quoted if a shell needs it; the second, files[number].
std::string FileArgument(const InputOptions& options);
std::string FileArgument(const InputOptions& options, std::size_t number);

// Each command adds itself; its callback leaves the exit code in `exit_code`.
void AddReport(CLI::App& app, int& exit_code);
void AddGate(CLI::App& app, int& exit_code);
void AddTasks(CLI::App& app, int& exit_code);
void AddTree(CLI::App& app, int& exit_code);
void AddShow(CLI::App& app, int& exit_code);
void AddExplain(CLI::App& app, int& exit_code);
void AddRun(CLI::App& app, int& exit_code);
void AddExplore(CLI::App& app, int& exit_code);
void AddSuppress(CLI::App& app, int& exit_code);
void AddDiff(CLI::App& app, int& exit_code);
void AddFix(CLI::App& app, int& exit_code);
void AddCompletions(CLI::App& app, int& exit_code);
void AddMan(CLI::App& app, int& exit_code);
void AddHelp(CLI::App& app, int& exit_code);

}  // namespace stranded::cli

#endif  // STRANDED_CLI_COMMANDS_COMMAND_H_
