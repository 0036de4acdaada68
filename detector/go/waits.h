// What a group of goroutines waits for, and where in the user's code.
#ifndef STRANDED_DETECTOR_GO_WAITS_H_
#define STRANDED_DETECTOR_GO_WAITS_H_

#include <string>
#include <string_view>

#include "detector/input/go_model.h"
#include "detector/model/snapshot.h"
#include "stranded/finding.h"

namespace stranded::detector {

enum class GoWaitKind {
  kRunning,  // or runnable
  kSystem,   // the runtime's own
  kSend,
  kReceive,
  kChannel,  // a send or a receive: debug=1 does not say
  kSendNil,
  kReceiveNil,
  kSelect,
  kSelectEmpty,
  kLock,
  kReadLock,
  kWriteLock,
  kWaitGroup,
  kCond,
  kOnce,
  kIo,
  kSleep,
  kSyscall,
  kOther
};

struct GoWait {
  GoWaitKind kind = GoWaitKind::kOther;
  std::uint32_t site = 0;     // first frame outside of the standard library, else the outermost
  bool library_idle = false;  // a place where goroutines of libraries wait as they should
};

GoWait ClassifyGo(const GoDumps& all, const GoGroup& group);
bool BlockedGo(GoWaitKind kind);          // on a channel or a lock
std::string GoWaitText(GoWaitKind kind);  // "sending on a channel"
std::string GoWaitName(GoWaitKind kind);  // "send"
WaitKind NativeWait(GoWaitKind kind);
bool IsStandardLibrary(std::string_view function);
SourceSite GoSite(const GoDumps& all, std::uint32_t frame);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_GO_WAITS_H_
