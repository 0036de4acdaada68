#include "stranded/dump.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <new>

#include "absl/strings/str_cat.h"
#include "runtime_hooks/recorder/header.h"
#include "runtime_hooks/recorder/modules.h"
#include "runtime_hooks/recorder/snapshot.h"
#include "stranded/internal/output_file.h"
#include "stranded/internal/spin_lock.h"
#include "stranded/options.h"

namespace stranded {
namespace internal {
namespace {

// Room that nobody has written to takes no memory, and memory that is touched for the first time
// costs more than what is written there: a large string gets plenty, so that it is hardly ever
// copied, in pages that are large, too. Where there is no such room it grows as it does by itself.
__attribute__((noinline)) void MakeLarge(std::string& bytes) {
  constexpr std::size_t kRoom = 64 << 20, kPage = 2 << 20;
  try {
    bytes.reserve(std::max(kRoom, 4 * bytes.capacity()));
  } catch (const std::bad_alloc&) {
    return;
  }
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::uintptr_t from = (begin + kPage - 1) / kPage * kPage;
  const std::uintptr_t to = (begin + bytes.capacity()) / kPage * kPage;
  madvise(reinterpret_cast<void*>(from), to - from, MADV_HUGEPAGE);  // else pages are small
}

void Append(void* arg, const char* bytes, std::size_t count) {
  constexpr std::size_t kLarge = 1 << 20;
  auto& to = *static_cast<std::string*>(arg);
  const std::size_t had = to.capacity();
  if (had >= kLarge && had - to.size() < count) MakeLarge(to);
  to.append(bytes, count);
}

void ToFile(void* arg, const char* bytes, std::size_t count) {
  static_cast<OutputFile*>(arg)->Write(bytes, count);
}

// Keeps what is written until nobody is held up: a string that grows is copied, and a file may have
// to wait for its disk.
class Stage {
 public:
  explicit Stage(Sink target) : target_(target) {}
  ~Stage() { Pass(); }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  Sink sink() {
    return {[](void* arg, const char* bytes, std::size_t count) {
              static_cast<Stage*>(arg)->bytes_.append(bytes, count);
            },
            this,
            [](void* arg) {
              auto* self = static_cast<Stage*>(arg);
              if (self->bytes_.size() >= kEnough) self->Pass();
            }};
  }

 private:
  static constexpr std::size_t kEnough = 64 << 10;
  void Pass() {
    target_.write(target_.arg, bytes_.data(), bytes_.size());
    bytes_.clear();
  }
  std::string bytes_;
  Sink target_;
};

// One writer is kept: its tables are too large for a task's stack, and fresh memory for them costs
// more than a small snapshot.
class BorrowedWriter {
 public:
  // Acquire: pairs with the release of who gave it back.
  explicit BorrowedWriter(Sink sink)
      : writer_(Spare().exchange(nullptr, std::memory_order_acquire)) {
    if (writer_ == nullptr) {
      writer_ = new PacketWriter(sink);
    } else {
      writer_->Reset(sink);
    }
  }
  ~BorrowedWriter() {
    // Release: pairs with the acquire of the next borrower. Acquire: of what is deleted.
    delete Spare().exchange(writer_, std::memory_order_acq_rel);
  }
  BorrowedWriter(const BorrowedWriter&) = delete;
  BorrowedWriter& operator=(const BorrowedWriter&) = delete;
  PacketWriter& operator*() const { return *writer_; }

 private:
  static std::atomic<PacketWriter*>& Spare() {
    static std::atomic<PacketWriter*> spare{nullptr};
    return spare;
  }
  PacketWriter* writer_;
};

// What every dump of this process begins with: header and modules. Made anew after a fork, and when
// a library was loaded or unloaded.
struct Preamble {
  SpinLock lock;
  std::shared_ptr<const std::string> bytes ABSL_GUARDED_BY(lock);
  std::uint64_t packets ABSL_GUARDED_BY(lock) = 0;
  std::uint64_t loads ABSL_GUARDED_BY(lock) = 0;
  pid_t pid ABSL_GUARDED_BY(lock) = 0;
};

void WritePreamble(PacketWriter& writer) {
  static auto& kept = *new Preamble;
  const std::uint64_t loads = ModuleLoads();
  const pid_t pid = getpid();
  std::shared_ptr<const std::string> bytes;
  std::uint64_t packets = 0;
  {
    SpinGuard guard(kept.lock);
    if (kept.loads == loads && kept.pid == pid) {
      bytes = kept.bytes;
      packets = kept.packets;
    }
  }
  if (bytes == nullptr) {
    const auto fresh = std::make_shared<std::string>();
    BorrowedWriter scratch({&Append, fresh.get()});
    WriteHeader(*scratch);
    WriteModules(*scratch);
    packets = (*scratch).packets();
    bytes = fresh;
    std::shared_ptr<const std::string> old = fresh;  // freed after the lock
    SpinGuard guard(kept.lock);
    kept.bytes.swap(old);
    kept.packets = packets;
    kept.loads = loads;
    kept.pid = pid;
  }
  writer.Append(*bytes, packets);
}

void WriteAll(Sink sink, const DumpOptions& options) {
  Stage stage(sink);
  const BorrowedWriter writer(stage.sink());
  WritePreamble(*writer);
  SnapshotOptions snapshot;
  snapshot.reason = options.reason.c_str();
  snapshot.label = options.label.c_str();
  snapshot.world = options.world;
  snapshot.pools = options.pools;
  snapshot.scope = options.scope;
  snapshot.focus = options.focus;
  snapshot.focus_since_task = options.focus_since_task;
  snapshot.focus_since_ns = options.focus_since_ns;
  snapshot.events = options.events;
  snapshot.stacks_per_site = options.stacks_per_site;
  Snapshot(*writer, snapshot).Run();
}

}  // namespace

void WriteHeader(PacketWriter& writer) {
  char program[1024];
  const ssize_t n = readlink("/proc/self/exe", program, sizeof program);
  char args[4096];
  std::size_t args_size = 0;
  if (const int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC); fd >= 0) {
    args_size = static_cast<std::size_t>(std::max<ssize_t>(0, read(fd, args, sizeof args)));
    close(fd);
  }
  using dump::HeaderTag;
  writer.Write<HeaderTag>(dump::PacketTag::kHeader, [&](auto& h) {
    h.add_uint32(HeaderTag::kVersionMajor, dump::kVersionMajor);
    h.add_uint32(HeaderTag::kVersionMinor, dump::kVersionMinor);
    h.add_string(HeaderTag::kProducer, dump::kProducer);
    h.add_uint32(HeaderTag::kPid, static_cast<std::uint32_t>(getpid()));
    if (n > 0) h.add_string(HeaderTag::kProgram, program, static_cast<std::size_t>(n));
    for (std::size_t at = 0; at < args_size;) {
      const std::size_t len = strnlen(args + at, args_size - at);
      h.add_string(HeaderTag::kArgs, args + at, len);
      at += len + 1;
    }
    h.add_string(HeaderTag::kRecordLevel, GetOptions().record);
  });
}

}  // namespace internal

std::string CaptureDump(const DumpOptions& options) {
  std::string bytes;
  internal::WriteAll({&internal::Append, &bytes}, options);
  return bytes;
}

absl::Status WriteDump(const std::string& path, const DumpOptions& options) {
  internal::OutputFile file(path);
  if (file.ok()) internal::WriteAll({&internal::ToFile, &file}, options);
  absl::Status written = file.Finish();
  if (written.ok()) return written;
  return absl::Status(written.code(), absl::StrCat("cannot write the dump ", written.message()));
}

absl::Status WriteDump(const std::string& path) { return WriteDump(path, DumpOptions()); }

}  // namespace stranded
