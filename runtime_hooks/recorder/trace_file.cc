#include "runtime_hooks/recorder/trace_file.h"

#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/recorder/mapped_file.h"
#include "runtime_hooks/scheduler/world.h"
#include "stranded/options.h"

namespace stranded::internal {
namespace {

constexpr long kTickNs = 100'000'000;

// A file whose process was killed does not say when, but for this.
void Tick() {
  for (;;) {
    const timespec tick{0, kTickNs};
    nanosleep(&tick, nullptr);
    NoteAlive();
  }
}

std::string DefaultPath() {
  const char* directory = std::getenv("TMPDIR");
  return std::string(directory == nullptr || *directory == '\0' ? "/tmp" : directory) +
         "/stranded.%p.trace";
}

}  // namespace

void StartTrace() {
  const std::string& asked = GetOptions().trace_file;
  if (asked != "none") {
    const absl::Status status =
        asked.empty() ? OpenMappedFile(DefaultPath(), true) : OpenMappedFile(asked, false);
    if (status.ok()) {
      StartServiceThread(&Tick);
    } else {
      std::fprintf(stderr, "stranded: %s\n", std::string(status.message()).c_str());
    }
  }
  tracing.store(true, std::memory_order_relaxed);
}

void EndTrace() { EndMappedFile(); }

void LeaveTrace() {
  tracing.store(false, std::memory_order_relaxed);
  Here()->EndRuns();  // of the only thread there is
  if (!HasMappedFile()) return;
  // Rings and records are the parent's.
  ForgetRings();
  if (Task* const self = CurrentTaskOrNull(); self != nullptr) self->record = nullptr;
  LeaveMappedFile();
}

}  // namespace stranded::internal
