#include "cli/commands/search_options.h"

#include <cmath>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "cli/manual/amounts.h"
#include "cli/manual/choices.h"
#include "stranded/options.h"

namespace stranded::cli {

void AddSearchOptions(CLI::App& app, SearchOptions& o) {
  app.add_option("CMD", o.command, "The program and its arguments, after --")->required();
  AtLeast(app.add_option("--schedules", o.schedules, "How many for each test (default 1000)"), "N",
          1);
  OneOf(app.add_option("--policy", o.policy, "random, pct (default), round-robin or exhaustive"),
        "POLICY", {"random", "pct", "round-robin", "exhaustive"});
  AnyNumber(app.add_option("--seed", o.seed, "Of the first schedule (default 1)"));
  AtLeast(app.add_option("--depth", o.depth, "pct: depth of the bugs looked for (default 3)"), "N",
          1);
  AtLeast(
      app.add_option("--preemptions", o.preemptions, "exhaustive: at most this many (default 2)"),
      "N", 0);
  Milliseconds(app.add_option("--delay", o.delay_ms,
                              "By how much time may pass while tasks are ready (default 5)"));
  Seconds(app.add_option("--time", o.seconds, "For each test; 0: no limit"));
  app.add_option("--replay", o.replay, "Run this schedule only, as an exploration printed it")
      ->option_text("SCHEDULE");
  app.add_option("--patch", o.patch, "Virtual patches, KIND@FILE#LINE,... (see docs/explore.md)")
      ->option_text("PATCHES");
  app.add_flag("--first", o.first, "Stop at the first leak");
  app.positionals_at_end();
}

std::string SearchText(const SearchOptions& o) {
  std::string text = absl::StrCat(
      "schedules=", o.replay.empty() ? o.schedules : 1, ":policy=", o.policy, ":seed=", o.seed,
      ":depth=", o.depth, ":preemptions=", o.preemptions,
      ":delay_us=", static_cast<std::int64_t>(o.delay_ms * 1000),
      ":time_s=", static_cast<std::int64_t>(std::ceil(o.seconds)), ":first=", o.first ? 1 : 0);
  if (!o.replay.empty()) absl::StrAppend(&text, ":replay=", o.replay);
  if (!o.patch.empty()) absl::StrAppend(&text, ":patch=", OptionValue(o.patch));
  return text;
}

}  // namespace stranded::cli
