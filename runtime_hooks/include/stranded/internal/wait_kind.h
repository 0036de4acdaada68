// What a task can be blocked on. Append only: the numbers are those of WaitKind in the dump format.
#ifndef STRANDED_RUNTIME_HOOKS_INTERNAL_WAIT_KIND_H_
#define STRANDED_RUNTIME_HOOKS_INTERNAL_WAIT_KIND_H_

#include <cstdint>

namespace stranded::internal {

enum class WaitKind : std::uint8_t {
  kNone = 0,
  kChanSend = 1,
  kChanRecv = 2,
  kChanSendNil = 3,
  kChanRecvNil = 4,
  kSelect = 5,
  kSelectEmpty = 6,
  kSleep = 7,
  kMutexLock = 8,
  kRwMutexRLock = 9,
  kRwMutexLock = 10,
  kWaitGroupWait = 11,
  kCondWait = 12,
  kOnceWait = 13,
  kSemaphoreAcquire = 14,
  kJoin = 15,
  kBlockingRegion = 16,
  kLeakCheck = 17,
};

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_INTERNAL_WAIT_KIND_H_
