// Writing what the runtime knows into a dump (docs/dump-format.md).
//
// Overview: a snapshot lists every task, context, channel, lock and wait that is alive, and the
// recorded events if `record=trace`. It is the only thing the detector ever looks at, in the same
// process or in another one, so that a finding is the same everywhere.
//
// Thread safety: every function may be called from any thread or task at any time. Parked tasks are
// held still while they are read; running ones go on, and are listed with what is known of them.
#ifndef STRANDED_RUNTIME_HOOKS_DUMP_H_
#define STRANDED_RUNTIME_HOOKS_DUMP_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace stranded {

struct DumpOptions {
  std::string reason = "request";  // printed in the report's head
  std::string label;               // for example the name of the test
  std::uint64_t world = 0;         // only tasks of this world; 0: all
  bool pools = false;              // beside `world`: and those of all pools
  std::uint64_t scope = 0;         // only tasks spawned in this scope or below; 0: all
  // All is written, and a report looks at what was begun in this scope, or since then; 0: at all.
  std::uint64_t focus = 0, focus_since_task = 0;
  std::int64_t focus_since_ns = 0;
  bool events = true;       // include the event rings if there are any
  int stacks_per_site = 2;  // stacks unwound for each pair of wait site and spawn site
};

// The snapshot as bytes of the dump format. Does not block on the tasks it looks at.
std::string CaptureDump(const DumpOptions& options = {});

// Writes a snapshot to `path`: first to a temporary file in the same directory, then renamed, so
// that a reader never sees half a dump. Links stay, and devices and FIFOs are written to directly.
// Errors name the path and the system's reason.
absl::Status WriteDump(const std::string& path, const DumpOptions& options);
absl::Status WriteDump(const std::string& path);

}  // namespace stranded

#endif  // STRANDED_RUNTIME_HOOKS_DUMP_H_
