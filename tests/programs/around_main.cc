// A task that goes on beside the body of CheckedMain, and that main stops behind it. "leaks": the
// body leaves one of its own.
#include <string>

#include "stranded/leak_check.h"
#include "stranded/stranded.h"

int main(int argc, char**) {
  const stranded::Chan<std::string> lines(16);
  const stranded::TaskHandle logger = stranded::Go({.name = "logger"}, [lines] {
    for (const std::string& line : lines) (void)line;
  });
  const int result = stranded::CheckedMain([&] {
    if (argc > 1) stranded::Go({.name = "stays"}, [c = stranded::Chan<int>()] { c.Send(1); });
    lines.Send("served");
    stranded::this_task::SleepFor(absl::Milliseconds(20));  // the logger is idle by then
  });
  lines.Close();
  logger.Join();
  return result;
}
