// Field numbers of the dump format, one enum for each message of docs/stranded_dump.proto.
//
// Overview: the runtime writes with these and the detector reads with them; a test holds them
// against the schema. Wire values of the enumerations are those of the schema, too.
#ifndef STRANDED_RUNTIME_HOOKS_DUMP_FORMAT_H_
#define STRANDED_RUNTIME_HOOKS_DUMP_FORMAT_H_

#include <cstdint>

namespace stranded::dump {

inline constexpr std::uint32_t kVersionMajor = 1;  // a reader refuses a larger one
inline constexpr std::uint32_t kVersionMinor = 6;  // additions only
inline constexpr const char* kProducer = "stranded 0.1.0";

enum class DumpTag : std::uint32_t { kPacket = 1 };

enum class PacketTag : std::uint32_t {
  kCrc32 = 1,
  kHeader = 2,
  kSnapshot = 3,
  kModule = 4,
  kSite = 5,
  kSpawn = 6,
  kContext = 7,
  kTask = 8,
  kChannel = 9,
  kSync = 10,
  kTimer = 11,
  kWorld = 12,
  kScope = 13,
  kEvents = 14,
  kLoss = 15,
  kEnd = 16,
  kTaskBatch = 20,
  kChannelBatch = 21,
  kContextBatch = 22,
  kSpawnBatch = 23,
};

enum class HeaderTag : std::uint32_t {
  kVersionMajor = 1,
  kVersionMinor = 2,
  kProducer = 3,
  kPid = 4,
  kProgram = 5,
  kArgs = 6,
  kStartedNs = 7,
  kRecordLevel = 8,
};

enum class SnapshotBeginTag : std::uint32_t {
  kIndex = 1,
  kReason = 2,
  kTakenNs = 3,
  kWallNs = 4,
  kLabel = 5,
  kTask = 6,
  kFocus = 7,
  kFocusSinceTask = 8,
  kFocusSinceNs = 9,
};

enum class ModuleTag : std::uint32_t {
  kStart = 1,
  kEnd = 2,
  kFileOffset = 3,
  kPath = 4,
  kBuildId = 5,
  kBias = 6,
};

enum class SiteTag : std::uint32_t { kId = 1, kFile = 2, kFunction = 3, kLine = 4, kColumn = 5 };

enum class SpawnNodeTag : std::uint32_t {
  kId = 1,
  kTask = 2,
  kParent = 3,
  kSite = 4,
  kName = 5,
  kElided = 6,
};

enum class ContextTag : std::uint32_t {
  kId = 1,
  kParent = 2,
  kKind = 3,
  kSite = 4,
  kCreatorTask = 5,
  kCreatorName = 6,
  kCreatedNs = 7,
  kDeadlineNs = 8,
  kErr = 9,
  kCause = 10,
  kEndedNs = 11,
  kEndedByTask = 12,
  kEndedByName = 13,
  kEndedSite = 14,
  kEndedOrigin = 15,
  kHasCancelFunc = 16,
  kCancelCalled = 17,
  kCancelLost = 18,
  kKeyType = 19,
  kValueText = 20,
  kValuePrintable = 21,
  kValueBytes = 22,
  kDoneChannel = 23,
  kLiveChildren = 24,
  kTimerPending = 25,
  kHandles = 26,
  kWorld = 27,
  kHasAfterFunc = 28,
};

enum class WaitCaseTag : std::uint32_t { kOp = 1, kChannel = 2, kSite = 3, kContext = 4 };

enum class WaitTag : std::uint32_t {
  kKind = 1,
  kSite = 2,
  kSinceNs = 3,
  kUntilNs = 4,
  kCases = 5,
  kSync = 6,
  kTask = 7,
  kParkCount = 8,
  kRange = 9,
};

enum class HeldLockTag : std::uint32_t { kSync = 1, kSite = 2, kShared = 3 };

enum class LastOpTag : std::uint32_t { kKind = 1, kObject = 2, kSite = 3 };

enum class TaskTag : std::uint32_t {
  kId = 1,
  kName = 2,
  kSpawn = 3,
  kContext = 4,
  kState = 5,
  kKind = 6,
  kDaemon = 7,
  kPinned = 8,
  kIsMain = 9,
  kWorld = 10,
  kScope = 11,
  kCreatedNs = 12,
  kWait = 13,
  kLastOp = 14,
  kHeld = 15,
  kPcs = 16,
  kStackNote = 17,
  kOsTid = 18,
  kGroup = 19,
  kHasSpawned = 20,
};

enum class TaskBatchTag : std::uint32_t {
  kCount = 1,
  kLike = 2,
  kId = 3,
  kSpawn = 4,
  kParent = 5,
  kContext = 6,
  kCreatedNs = 7,
  kSinceNs = 8,
  kParkCount = 9,
  kObjects = 10,
  kGroup = 11,
};

enum class ChannelBatchTag : std::uint32_t {
  kCount = 1,
  kLike = 2,
  kId = 3,
  kCreatorTask = 4,
  kCreatedNs = 5,
  kContext = 6,
  kClosedByTask = 7,
  kClosedNs = 8,
  kSenderTask = 9,
  kSenderAtNs = 10,
  kSenderLeftContext = 11,
  kSenderLeftChannel = 12,
  kReceiverTask = 13,
  kReceiverAtNs = 14,
  kReceiverLeftContext = 15,
  kReceiverLeftChannel = 16,
};

enum class ContextBatchTag : std::uint32_t {
  kCount = 1,
  kLike = 2,
  kId = 3,
  kParent = 4,
  kCreatorTask = 5,
  kCreatedNs = 6,
  kDeadlineNs = 7,
  kEndedNs = 8,
  kEndedByTask = 9,
  kEndedOrigin = 10,
  kDoneChannel = 11,
};

enum class SpawnBatchTag : std::uint32_t {
  kCount = 1,
  kLike = 2,
  kId = 3,
  kTask = 4,
  kParent = 5,
};

enum class PeerTag : std::uint32_t {
  kTask = 1,
  kName = 2,
  kSite = 3,
  kAtNs = 4,
  kOutcome = 5,
  kLeftOp = 6,
  kLeftSite = 7,
  kLeftContext = 8,
  kLeftChannel = 9,
  kLeftNs = 10,
  kLeftMade = 11,
};

enum class ChannelTag : std::uint32_t {
  kId = 1,
  kSite = 2,
  kElemType = 3,
  kElemBytes = 4,
  kCapacity = 5,
  kLength = 6,
  kHighWater = 7,
  kClosed = 8,
  kClosedByTask = 9,
  kClosedByName = 10,
  kClosedSite = 11,
  kClosedNs = 12,
  kSendsStarted = 13,
  kSendsCompleted = 14,
  kRecvsStarted = 15,
  kRecvsCompleted = 16,
  kWaitingSenders = 17,
  kWaitingReceivers = 18,
  kCreatorTask = 19,
  kCreatorName = 20,
  kCreatedNs = 21,
  kLastSender = 22,
  kLastReceiver = 23,
  kRole = 24,
  kContext = 25,
  kObservedTry = 26,
  kObservedSize = 27,
  kRepeatSends = 28,
  kHandles = 29,
  kTimerArmed = 30,
  kTimerStopped = 31,
};

enum class SyncPeerTag : std::uint32_t { kTask = 1, kName = 2, kSite = 3, kAtNs = 4 };

enum class SyncObjectTag : std::uint32_t {
  kId = 1,
  kKind = 2,
  kSite = 3,
  kHolderTask = 4,
  kHolderName = 5,
  kHolderSite = 6,
  kHeldSinceNs = 7,
  kReaders = 8,
  kReadersUncertain = 9,
  kCounter = 10,
  kLimit = 11,
  kLastAdd = 12,
  kLastDone = 13,
  kLastSignal = 14,
  kSignals = 15,
  kLostSignals = 16,
  kWaiters = 17,
  kCondLock = 18,
  kRole = 19,
  kTakerKeeps = 20,
};

enum class TimerTag : std::uint32_t {
  kKind = 1,
  kDueNs = 2,
  kPeriodNs = 3,
  kObject = 4,
  kSite = 5,
  kWorld = 6,
};

enum class WorldTag : std::uint32_t {
  kId = 1,
  kKind = 2,
  kSeed = 3,
  kPolicy = 4,
  kSteps = 5,
  kQuiet = 6,
  kRunnable = 7,
  kRunning = 8,
  kTimers = 9,
  kExternal = 10,
  kMainTask = 11,
  kDeadlock = 12,
  kWorkers = 13,
  kName = 14,
  kNowNs = 15,
};

enum class ScopeTag : std::uint32_t {
  kId = 1,
  kParent = 2,
  kName = 3,
  kSite = 4,
  kTask = 5,
  kEnded = 6,
  kExpected = 7,
};

enum class EventTag : std::uint32_t {
  kKind = 1,
  kTask = 2,
  kObject = 3,
  kSite = 4,
  kTimeNs = 5,
  kArg = 6,
};

enum class EventBatchTag : std::uint32_t {
  kRing = 1,
  kFirstSeq = 2,
  kEvent = 3,
  kWhat = 4,
  kTask = 5,
  kSite = 6,
  kObject = 7,
  kTimeNs = 8,
  kArg = 9,
};

// EventBatch.what: the kind in the low bits, then what else the event has.
inline constexpr std::uint32_t kEventKindBits = 4, kEventKindMask = 15;
inline constexpr std::uint32_t kEventHasObject = 16, kEventHasArg = 32, kEventHasTime = 64;

enum class LossTag : std::uint32_t {
  kEventsLost = 1,
  kTasksUnread = 2,
  kStacksMissing = 3,
  kStringsCut = 4,
  kUnguardedStacks = 5,
  kNote = 6,
};

enum class EndTag : std::uint32_t { kPackets = 1 };

}  // namespace stranded::dump

#endif  // STRANDED_RUNTIME_HOOKS_DUMP_FORMAT_H_
