// The file in which `record=trace` keeps rings and the state table, so that they survive SIGKILL.
//
// Overview: a header, then blocks one after the other up to `used`. A block holds records of one
// kind. The process writes it through a shared mapping; a reader copies it while the process runs,
// or after it was killed. Described in docs/recording.md.
// Thread safety: a record has one writer at a time. `seq` is odd while it is written: a reader that
// sees it odd, or changed after its copy, tries again, or counts the record as torn.
// Invariants: all structs are plain, little endian, of fixed size; a new field takes the place of
// `spare`. Sites and types are addresses in the process, explained by a record of kSites.
// Ownership: the file belongs to whoever named it.
#ifndef STRANDED_RUNTIME_HOOKS_MAPPED_FORMAT_H_
#define STRANDED_RUNTIME_HOOKS_MAPPED_FORMAT_H_

#include <cstddef>
#include <cstdint>

namespace stranded::mapped {

inline constexpr char kMagic[8] = {'S', 'T', 'R', 'D', 'M', 'A', 'P', '\n'};
inline constexpr std::uint32_t kVersion = 3;  // a reader refuses any other
inline constexpr std::size_t kHeaderBytes = 4096;
inline constexpr std::size_t kLongestText = 1024;

struct Calibration {
  std::uint64_t ticks = 0;  // of the TSC; 0: the clock of the system is used
  std::int64_t ns = 0;      // wall clock at that moment
};

struct Header {
  char magic[8] = {};
  std::uint32_t version = 0, pid = 0;
  std::uint64_t used = 0;           // bytes, header included; grows only
  std::uint64_t process_start = 0;  // as in /proc/PID/stat: another process may get the same pid
  std::int64_t started_ns = 0;
  std::int64_t alive_ns = 0;        // the process was still there; refreshed ten times a second
  std::uint32_t ended = 0;          // 1: it came to its regular end
  std::uint32_t full = 0;           // records that found no room in the file
  std::uint64_t program = 0;        // text
  std::uint64_t pid_namespace = 0;  // inode of /proc/self/ns/pid: `pid` counts there
  Calibration first, last;
};
static_assert(sizeof(Header) <= kHeaderBytes);

enum class BlockKind : std::uint32_t {
  kNone = 0,
  kTasks = 1,
  kContexts = 2,
  kChannels = 3,
  kSyncs = 4,
  kSites = 5,
  kTexts = 6,
  kRing = 7,
};

// Stands before the records of a block.
struct Block {
  BlockKind kind = BlockKind::kNone;
  std::uint32_t record_bytes = 0;
  std::uint64_t bytes = 0;  // of the block, this included
  std::uint64_t count = 0;  // kSites: records, kTexts: bytes, kRing: events ever recorded
  std::uint32_t ring = 0;
  std::uint32_t from_reader = 0;  // 1: a reader copied it and wrote `oldest`
  std::uint64_t oldest = 0;       // kRing: number of the oldest event that is intact in the copy
  std::uint64_t spare[3] = {};
};
static_assert(sizeof(Block) == 64);

// What `key` means. For the name of a type `function` and `line` are 0.
struct Site {
  std::uint64_t key = 0;                 // address of the static record, or of the name
  std::uint32_t file = 0, function = 0;  // texts, in units of kTextUnit from the file's beginning
  std::uint32_t line = 0, column = 0;
};
static_assert(sizeof(Site) == 24);

inline constexpr std::size_t kTextUnit = 8;
// A text: its length in four bytes, then the characters.

struct Event {
  std::uint64_t kind_and_task = 0;  // kind in the highest byte
  std::uint64_t object = 0;         // park: the time; else what the event is about
  std::uint64_t site = 0;
  std::uint64_t arg = 0;  // kSend, kRecv: so many more like it came right after it
};
static_assert(sizeof(Event) == 32);
// Records that a thread writes before it counts them: so many after the last one may be torn.
inline constexpr std::uint64_t kMostAtOnce = 3;
inline constexpr int kKindShift = 56;
inline constexpr std::uint64_t kTaskMask = (std::uint64_t{1} << kKindShift) - 1;

enum State : std::uint8_t { kFree = 0, kLive = 1, kParked = 2 };

enum TaskFlags : std::uint8_t {
  kThread = 1,
  kDaemon = 2,
  kPinned = 4,
  kMain = 8,
  kRange = 16,
  kVirtualTime = 32,  // in a world with its own clock: its times say nothing of ours
  kNameless = 64,     // `name` is what was there before
  kGrouped = 128,     // `group` is of this task
};

struct Case {
  std::uint64_t op_and_object = 0;  // op in the highest byte; channel, or context of a kDone
  std::uint64_t site = 0;
};
inline std::uint64_t CaseKey(std::uint8_t op, std::uint64_t object) {
  return std::uint64_t{op} << kKindShift | object;
}

inline constexpr std::size_t kMostCases = 6;

struct alignas(64) Task {
  std::uint32_t seq = 0;
  std::uint8_t state = kFree, wait = 0, flags = 0, cases = 0;  // cases: more than kMostCases: cut
  std::uint64_t id = 0;
  std::uint32_t parks = 0;
  std::uint32_t woken = 0;  // equals `parks`: somebody ended the wait
  std::uint64_t spawn_site = 0, parent = 0, context = 0, world = 0;
  std::int64_t created_ns = 0;
  // --- a task without a name that never waits touches nothing behind this
  std::uint64_t wait_site = 0;
  std::int64_t since_ns = 0, until_ns = 0;
  std::uint64_t object = 0;  // sync object, or task to join
  Case offers[kMostCases];
  char name[48] = {};
  std::uint64_t group = 0;  // the WaitGroup or ErrGroup that counts it
  std::uint64_t spare[1] = {};
};
static_assert(sizeof(Task) == 256 && offsetof(Task, wait_site) == 64);

enum ContextFlags : std::uint8_t { kHasCancel = 1, kCancelCalled = 2 };

struct alignas(64) Context {
  std::uint32_t seq = 0;
  std::uint8_t state = kFree, kind = 0, err = 0, flags = 0;
  std::uint64_t id = 0, parent = 0, site = 0, creator = 0;
  std::int64_t created_ns = 0, deadline_ns = 0, ended_ns = 0;
  std::uint64_t ended_by = 0, ended_site = 0, ended_origin = 0, world = 0;
  std::uint64_t spare[4] = {};
};
static_assert(sizeof(Context) == 128);

enum ChannelFlags : std::uint8_t { kClosed = 1, kTried = 2, kSized = 4, kArmed = 8 };

struct Peer {
  std::uint64_t task = 0, site = 0;
  std::int64_t at_ns = 0;
  std::uint64_t left_site = 0, left_object = 0, left_made = 0;
  std::uint8_t outcome = 0, left_op = 0, spare[6] = {};
};
static_assert(sizeof(Peer) == 56);

struct alignas(64) Channel {
  std::uint32_t seq = 0;
  std::uint8_t state = kFree, role = 0, flags = 0, spare_byte = 0;
  std::uint64_t id = 0, site = 0, capacity = 0, length = 0;
  std::uint64_t type = 0, creator = 0, context = 0;
  std::int64_t created_ns = 0;
  std::uint64_t sends_started = 0, sends_completed = 0, recvs_started = 0, recvs_completed = 0;
  std::uint32_t waiting_senders = 0, waiting_receivers = 0;
  Peer last_sender, last_receiver;
  std::uint32_t elem_bytes = 0, high_water = 0;
  std::uint64_t repeat_sends = 0;
  std::uint64_t spare[2] = {};
};
static_assert(sizeof(Channel) == 256);

struct alignas(64) Sync {
  std::uint32_t seq = 0;
  std::uint8_t state = kFree, kind = 0, readers_uncertain = 0, role = 0;
  std::uint64_t id = 0, site = 0, holder = 0, holder_site = 0;
  std::uint32_t readers = 0, waiters = 0;
  std::int64_t counter = 0, limit = 0;
  std::uint64_t add_task = 0, add_site = 0, done_task = 0, done_site = 0;
  std::uint64_t taker_keeps = 0;  // semaphores
  std::uint64_t spare[3] = {};
};
static_assert(sizeof(Sync) == 128);

}  // namespace stranded::mapped

#endif  // STRANDED_RUNTIME_HOOKS_MAPPED_FORMAT_H_
