// Tasks that a global's destructor and a function of atexit() stop, in a program that is checked at
// its end. "leaks": another one stays. "later": the check is asked for, and the global begins, when
// the runtime is in use.
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "stranded/leak_check.h"
#include "stranded/stranded.h"

namespace {

class Logger {
 public:
  void Start() {
    lines_.emplace(16);
    task_ = stranded::Go({.name = "logger"}, [lines = *lines_] {
      for (const std::string& line : lines) (void)line;
    });
  }
  ~Logger() {
    if (!task_.has_value()) return;
    lines_->Close();
    task_->Join();
  }

 private:
  // Made in main: the global is older than the runtime's own functions for the end.
  std::optional<stranded::Chan<std::string>> lines_;
  std::optional<stranded::TaskHandle> task_;
};
Logger logger;

class Cache {
 public:
  Cache() {
    std::atexit([] { cache->Stop(); });
    cache = this;
  }

 private:
  void Stop() {
    keys_.Close();
    task_.Join();
  }
  static Cache* cache;
  stranded::Chan<int> keys_;
  stranded::TaskHandle task_ = stranded::Go({.name = "evictor"}, [keys = keys_] {
    for (const int key : keys) (void)key;
  });
};
Cache* Cache::cache = nullptr;

}  // namespace

int main(int argc, char** argv) {
  const std::string_view how = argc > 1 ? argv[1] : "";
  if (how != "later") stranded::CheckAtExit();
  [[maybe_unused]] static Cache& cache = *new Cache;
  logger.Start();
  if (how == "later") stranded::CheckAtExit();
  if (how == "leaks") stranded::Go({.name = "stays"}, [c = stranded::Chan<int>()] { c.Send(1); });
  stranded::this_task::SleepFor(absl::Milliseconds(5));
}
