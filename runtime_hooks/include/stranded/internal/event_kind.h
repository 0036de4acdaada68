// What a recorded event is. The numbers are those of EventKind in the dump format.
#ifndef STRANDED_RUNTIME_HOOKS_INTERNAL_EVENT_KIND_H_
#define STRANDED_RUNTIME_HOOKS_INTERNAL_EVENT_KIND_H_

#include <cstdint>

namespace stranded::internal {

// Append only. 0 in a mapped file: the time.
enum class EventKind : std::uint8_t {
  kNone = 0,
  kSpawn = 1,
  kStart = 2,
  kFinish = 3,
  kPark = 4,
  kWake = 5,
  kSend = 6,
  kRecv = 7,
  kClose = 8,
  kCancel = 9,
  kLock = 10,
  kUnlock = 11,
  kTimer = 12,
  kSelect = 13,
  kPass = 14,
  kContext = 15,
};

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_INTERNAL_EVENT_KIND_H_
