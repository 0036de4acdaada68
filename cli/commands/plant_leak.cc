#include "cli/commands/plant_leak.h"

#include <cstdlib>

#include "stranded/channel.h"
#include "stranded/context.h"
#include "stranded/dump.h"
#include "stranded/internal/check_support.h"
#include "stranded/task.h"

namespace stranded::cli {

absl::Status PlantLeak(const std::string& path) {
  // They are of the user's programs: their dump must not be replaced by this one.
  unsetenv("STRANDED_OPTIONS");
  internal::ControlledWorld* world = internal::EnterControlledWorld("planted", 1);
  auto [ctx, cancel] = WithCancel(Background());
  Go({.name = "planted"}, ctx, [answers = Chan<int>()] { answers.Send(1); });
  cancel();
  internal::WaitUntilQuiet(nullptr, absl::ZeroDuration());
  DumpOptions options;
  options.reason = "check";
  options.label = "planted by --self-test";
  absl::Status written = WriteDump(path, options);
  internal::LeaveControlledWorld(world);
  return written;
}

}  // namespace stranded::cli
