#include "runtime_hooks/recorder/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "runtime_hooks/recorder/tsc_clock.h"
#include "stranded/internal/spin_lock.h"

namespace stranded::internal {

std::atomic<char*> mapped_base{nullptr};

namespace {

using mapped::Block;
using mapped::BlockKind;
using mapped::Header;

constexpr std::size_t kReserve = std::size_t{8} << 30, kSmallReserve = std::size_t{256} << 20;
constexpr std::size_t kStep = std::size_t{1} << 20;  // the file grows by this
constexpr std::size_t kSitesPerBlock = 1024, kTextBlock = 64 * 1024 - sizeof(Block);

// What the file is to this process. Written once, before `mapped_base`.
struct Mapping {
  int fd = -1;
  std::size_t reserved = 0;
  bool temporary = false;
  char path[1024] = {};

  SpinLock lock;  // of all below
  std::size_t size ABSL_GUARDED_BY(lock) = 0;
  std::size_t used ABSL_GUARDED_BY(lock) = 0;
};
Mapping mapping;

Header* TheHeader() {
  return reinterpret_cast<Header*>(mapped_base.load(std::memory_order_acquire));
}

template <class T>
void Publish(T& field, T value) {
  // Release: a reader of the file that sees the new count sees what it counts.
  std::atomic_ref<T>(field).store(value, std::memory_order_release);
}

void CountFull() {
  if (Header* header = TheHeader()) {
    std::atomic_ref<std::uint32_t>(header->full).fetch_add(1, std::memory_order_relaxed);
  }
}

std::int64_t WallNs() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * std::int64_t{1000000000} + now.tv_nsec;
}

// Field 22 of /proc/self/stat, behind the name in brackets.
std::uint64_t ProcessStart() {
  char text[1024];
  const int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  if (n <= 0) return 0;
  text[n] = '\0';
  const char* at = std::strrchr(text, ')');
  for (int field = 2; at != nullptr && field < 22; ++field) at = std::strchr(at + 1, ' ');
  return at == nullptr ? 0 : std::strtoull(at + 1, nullptr, 10);
}

// --- texts and sites

struct Dictionary {
  SpinLock lock;
  Block* texts ABSL_GUARDED_BY(lock) = nullptr;
  Block* sites ABSL_GUARDED_BY(lock) = nullptr;
  std::size_t known ABSL_GUARDED_BY(lock) = 0;
  // Open addressing; never cleared.
  std::array<std::uint64_t, 1 << 16> keys ABSL_GUARDED_BY(lock){};
};
Dictionary dictionary;

std::uint32_t AddText(std::string_view text) ABSL_EXCLUSIVE_LOCKS_REQUIRED(dictionary.lock) {
  text = text.substr(0, mapped::kLongestText);
  const std::size_t need = (4 + text.size() + mapped::kTextUnit - 1) & ~(mapped::kTextUnit - 1);
  if (dictionary.texts == nullptr || dictionary.texts->count + need > kTextBlock) {
    dictionary.texts = AppendBlock(BlockKind::kTexts, mapped::kTextUnit, kTextBlock);
    if (dictionary.texts == nullptr) return 0;
  }
  char* at = reinterpret_cast<char*>(dictionary.texts + 1) + dictionary.texts->count;
  const auto size = static_cast<std::uint32_t>(text.size());
  std::memcpy(at, &size, 4);
  std::memcpy(at + 4, text.data(), size);
  Publish(dictionary.texts->count, dictionary.texts->count + need);
  const auto offset = static_cast<std::size_t>(at - mapped_base.load(std::memory_order_relaxed));
  return static_cast<std::uint32_t>(offset / mapped::kTextUnit);
}

// True if it is new; false also when the table is full.
bool NewKey(std::uint64_t key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(dictionary.lock) {
  auto& keys = dictionary.keys;
  std::size_t at = (key * 0x9e3779b97f4a7c15) >> 48;
  while (keys[at] != 0) {
    if (keys[at] == key) return false;
    at = (at + 1) % keys.size();
  }
  if (dictionary.known + 1 > keys.size() * 3 / 4) {
    CountFull();
    return false;
  }
  ++dictionary.known;
  keys[at] = key;
  return true;
}

// --- free records

struct KindOfRecord {
  BlockKind block;
  std::size_t bytes, per_block;
};
constexpr KindOfRecord kKinds[kRecordKinds] = {
    {BlockKind::kTasks, sizeof(mapped::Task), 255},
    {BlockKind::kContexts, sizeof(mapped::Context), 127},
    {BlockKind::kChannels, sizeof(mapped::Channel), 63},
    {BlockKind::kSyncs, sizeof(mapped::Sync), 63},
};

constexpr std::uint32_t kExchange = 64;

struct FreeRecords {
  SpinLock lock;
  void* head ABSL_GUARDED_BY(lock) = nullptr;
};
FreeRecords free_records[kRecordKinds];

absl::Status Cannot(const std::string& path, const char* what) {
  return absl::UnavailableError(absl::StrCat("cannot ", what, " the trace file ", path, ": ",
                                             std::strerror(errno),
                                             "; the trace stays in memory. Give trace_file=PATH "
                                             "where there is room, or trace_file=none"));
}

}  // namespace

absl::Status OpenMappedFile(const std::string& pattern, bool temporary) {
  const std::string path = absl::StrReplaceAll(pattern, {{"%p", absl::StrCat(getpid())}});
  if (path.size() >= sizeof mapping.path) {
    return absl::InvalidArgumentError("the name of the trace file is too long");
  }
  unlink(path.c_str());  // of a process that had the same id
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return Cannot(path, "make");
  errno = posix_fallocate(fd, 0, static_cast<off_t>(kStep));
  if (errno != 0) {
    absl::Status status = Cannot(path, "find room for");
    close(fd);
    unlink(path.c_str());
    return status;
  }
  std::size_t reserve = kReserve;
  void* at = mmap(nullptr, reserve, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
  if (at == MAP_FAILED) {
    reserve = kSmallReserve;
    at = mmap(nullptr, reserve, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
  }
  if (at == MAP_FAILED) {
    absl::Status status = Cannot(path, "map");
    close(fd);
    unlink(path.c_str());
    return status;
  }
  {
    SpinGuard guard(mapping.lock);
    mapping.size = kStep;
    mapping.used = mapped::kHeaderBytes;
  }
  mapping.fd = fd;
  mapping.reserved = reserve;
  mapping.temporary = temporary;
  std::memcpy(mapping.path, path.c_str(), path.size() + 1);
  auto* header = new (at) Header;
  header->version = mapped::kVersion;
  header->pid = static_cast<std::uint32_t>(getpid());
  header->used = mapped::kHeaderBytes;
  header->process_start = ProcessStart();
  struct stat space = {};
  if (stat("/proc/self/ns/pid", &space) == 0) header->pid_namespace = space.st_ino;
  header->started_ns = header->alive_ns = WallNs();
  header->first = header->last = ReadCalibration();
  mapped_base.store(static_cast<char*>(at), std::memory_order_release);
  char program[mapped::kLongestText];
  const ssize_t n = readlink("/proc/self/exe", program, sizeof program);
  if (n > 0) {
    SpinGuard guard(dictionary.lock);
    header->program = AddText({program, static_cast<std::size_t>(n)});
  }
  // Last: a file without it is none yet. Release: pairs with the acquire of readers.
  std::atomic_thread_fence(std::memory_order_release);
  std::memcpy(header->magic, mapped::kMagic, sizeof header->magic);
  return absl::OkStatus();
}

void EndMappedFile() {
  Header* header = TheHeader();
  if (header == nullptr) return;
  NoteAlive();
  Publish<std::uint32_t>(header->ended, 1);
  if (mapping.temporary) unlink(mapping.path);
}

void LeaveMappedFile() { mapped_base.store(nullptr, std::memory_order_relaxed); }

void NoteAlive() {
  Header* header = TheHeader();
  if (header == nullptr) return;
  header->last = ReadCalibration();
  Publish(header->alive_ns, WallNs());
}

Block* AppendBlock(BlockKind kind, std::size_t record_bytes, std::size_t payload) {
  char* base = mapped_base.load(std::memory_order_acquire);
  if (base == nullptr) return nullptr;
  const std::size_t bytes = (sizeof(Block) + payload + 63) & ~std::size_t{63};
  SpinGuard guard(mapping.lock);
  if (mapping.used + bytes > mapping.size) {
    const std::size_t more = std::max(kStep, (bytes + kStep - 1) & ~(kStep - 1));
    const bool fits = mapping.size + more <= mapping.reserved;
    if (!fits || posix_fallocate(mapping.fd, static_cast<off_t>(mapping.size),
                                 static_cast<off_t>(more)) != 0) {
      CountFull();
      return nullptr;
    }
    mapping.size += more;
  }
  auto* block = new (base + mapping.used) Block;
  block->kind = kind;
  block->record_bytes = static_cast<std::uint32_t>(record_bytes);
  block->bytes = bytes;
  mapping.used += bytes;
  Publish(reinterpret_cast<Header*>(base)->used, static_cast<std::uint64_t>(mapping.used));
  return block;
}

void ExplainSite(std::uint64_t key, const char* file, const char* function, std::uint32_t line,
                 std::uint32_t column) {
  if (key == 0 || !HasMappedFile()) return;
  SpinGuard guard(dictionary.lock);
  if (!NewKey(key)) return;
  if (dictionary.sites == nullptr || dictionary.sites->count == kSitesPerBlock) {
    dictionary.sites =
        AppendBlock(BlockKind::kSites, sizeof(mapped::Site), sizeof(mapped::Site) * kSitesPerBlock);
    if (dictionary.sites == nullptr) return;
  }
  mapped::Site site;
  site.key = key;
  site.file = file == nullptr ? 0 : AddText(file);
  site.function = function == nullptr ? 0 : AddText(function);
  site.line = line;
  site.column = column;
  auto* sites = reinterpret_cast<mapped::Site*>(dictionary.sites + 1);
  sites[dictionary.sites->count] = site;
  Publish(dictionary.sites->count, dictionary.sites->count + 1);
}

void RefillRecords(RecordCache& cache, RecordKind kind) {
  FreeRecords& all = free_records[static_cast<int>(kind)];
  SpinGuard guard(all.lock);
  if (all.head == nullptr) {
    const KindOfRecord& k = kKinds[static_cast<int>(kind)];
    Block* block = AppendBlock(k.block, k.bytes, k.bytes * k.per_block);
    if (block == nullptr) return;
    char* records = reinterpret_cast<char*>(block + 1);
    for (std::size_t i = k.per_block; i-- > 0;) {
      LinkOf(records + i * k.bytes) = all.head;
      all.head = records + i * k.bytes;
    }
  }
  while (all.head != nullptr && cache.count < kExchange) {
    void* record = all.head;
    all.head = LinkOf(record);
    LinkOf(record) = cache.head;
    cache.head = record;
    ++cache.count;
  }
}

void SpillRecords(RecordCache& cache, RecordKind kind) {
  FreeRecords& all = free_records[static_cast<int>(kind)];
  SpinGuard guard(all.lock);
  for (std::uint32_t i = 0; i < kExchange; ++i, --cache.count) {
    void* record = cache.head;
    cache.head = LinkOf(record);
    LinkOf(record) = all.head;
    all.head = record;
  }
}

}  // namespace stranded::internal
