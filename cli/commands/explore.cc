// stranded explore -- CMD: many schedules of each test, or of a program's CheckedMain.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/commands/child.h"
#include "cli/commands/command.h"
#include "cli/commands/search_options.h"
#include "cli/manual/choices.h"
#include "cli/manual/help.h"
#include "stranded/explore_json.h"

namespace stranded::cli {
namespace {

struct ExploreFlags {
  SearchOptions search;
  std::string format = "text", filter;
  bool steps = false, output = false;
};

void Print(const ExploreResult& result, const ExploreFlags& o) {
  if (o.format == "json") {
    std::fputs(detector::ExploreJson(result).c_str(), stdout);
  } else {
    std::fputs(result.ToText(o.steps).c_str(), stdout);
  }
}

// A patch is for one place: most tests do not come there, but one should.
void TellIdlePatches(const std::vector<ExploreResult>& results) {
  if (results.empty()) return;
  for (const std::string& patch : results[0].idle_patches) {
    const auto is_idle = [&](const ExploreResult& r) {
      return std::find(r.idle_patches.begin(), r.idle_patches.end(), patch) != r.idle_patches.end();
    };
    if (!std::all_of(results.begin(), results.end(), is_idle)) continue;
    std::fprintf(stderr, "stranded: --patch %s met nothing: %s\n", patch.c_str(),
                 patch.starts_with("capacity") ? "no channel was made there"
                                               : "nothing was ever stuck there");
  }
}

int Run(const ExploreFlags& o) {
  ExploreRequest request;
  request.command = o.search.command;
  request.tests = o.filter;
  request.options = SearchText(o.search);
  request.show_output = o.output;
  const auto reply = RunExploring(request);
  if (!reply.ok()) {
    std::fprintf(stderr, "stranded: %s\n", std::string(reply.status().message()).c_str());
    return reply.status().code() == absl::StatusCode::kInvalidArgument ? kUsage : kInput;
  }
  int code = kClean;
  for (const ExploreResult& result : reply->results) {
    Print(result, o);
    if (!result.error.ok()) return kUsage;
    if (!result.clean()) code = kFindings;
  }
  TellIdlePatches(reply->results);
  PrintEnds(*reply);
  return reply->ends.empty() ? code : kFindings;
}

}  // namespace

void AddExplore(CLI::App& app, int& exit_code) {
  auto* cmd = app.add_subcommand("explore",
                                 "Run each test, or a program's CheckedMain, under many schedules");
  auto o = std::make_shared<ExploreFlags>();
  AddSearchOptions(*cmd, o->search);
  cmd->add_option("--test", o->filter, "Only these tests (a GoogleTest filter)")
      ->option_text("FILTER");
  OneOf(cmd->add_option("--format", o->format, "text (default) or json"), "FORMAT",
        {"text", "json"});
  SetExamples(*cmd,
              {{"stranded explore -- ./my_test", "every test under a thousand schedules"},
               {"stranded explore --test 'Fetch.*' --schedules 10000 --first -- ./my_test",
                "some tests, many schedules, until the first leak"},
               {"stranded explore --replay 1.1f --steps -- ./my_test --gtest_filter=Fetch.One",
                "one schedule again, step by step"}},
              "Exit codes: 0 no schedule left anything, 1 a leak, a test that fails or a program "
              "that died, 2 usage, or a program that cannot be run, 3 nothing was explored.");
  cmd->add_flag("--steps", o->steps, "Print the smallest failing interleaving step by step");
  cmd->add_flag("--output", o->output, "Let through what the program prints");
  cmd->callback([=, &exit_code] { exit_code = Run(*o); });
}

}  // namespace stranded::cli
