#include "stranded/explore.h"

#include <unistd.h>

#include "detector/explore/exploration.h"
#include "stranded/errors.h"
#include "stranded/options.h"

namespace stranded {

ExploreResult Explore(const ExploreOptions& options, const std::function<void()>& body) {
  detector::Exploration exploration(options);
  while (exploration.Begin()) {
    std::exception_ptr thrown;
    try {
      body();
    } catch (const GlobalDeadlockError&) {  // told at the dead end
    } catch (const internal::TaskUnwound&) {
    } catch (...) {
      thrown = std::current_exception();
    }
    exploration.End(thrown, [] { return std::string(); });
  }
  return exploration.TakeResult();
}

ExploreOptions ExploreOptionsFromEnvironment() {
  const Options& given = GetOptions();
  ExploreOptions options;
  options.schedules = given.schedules;
  options.policy = given.policy;
  options.seed = given.seed;
  options.depth = given.depth;
  options.preemptions = given.preemptions;
  options.delay_budget = absl::Microseconds(given.delay_us);
  options.stop_at_first = given.first;
  options.patch = given.patch;
  if (given.time_s > 0) options.time_limit = absl::Seconds(given.time_s);
  if (!given.replay.empty()) {
    // Alone it is all that is wanted; beside a search it comes first.
    if (given.schedules <= 1) {
      options.policy = "replay";
      options.schedule = given.replay;
    } else {
      options.first_schedule = given.replay;
    }
  }
  options.progress = isatty(STDERR_FILENO) == 1;
  return options;
}

}  // namespace stranded
