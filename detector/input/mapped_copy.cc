// A copy of a mapped file whose process goes on writing it.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "detector/input/mapped_blocks.h"
#include "detector/input/mapped_file.h"

namespace stranded::detector {
namespace {

using mapped::Block;
using mapped::BlockKind;

constexpr int kTries = 1000;

// Word by word: the writer does the same, so no word is torn.
void CopyWords(char* to, const char* from, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; i += 8) {
    auto& word = *reinterpret_cast<std::uint64_t*>(const_cast<char*>(from + i));
    // Acquire: what is read after it is not older.
    const std::uint64_t value =
        std::atomic_ref<std::uint64_t>(word).load(std::memory_order_acquire);
    std::memcpy(to + i, &value, 8);
  }
}

std::uint32_t Seq(const char* record) {
  auto& seq = *reinterpret_cast<std::uint32_t*>(const_cast<char*>(record));
  return std::atomic_ref<std::uint32_t>(seq).load(std::memory_order_acquire);
}

// The record as it was at one moment; else it stays marked as torn.
void CopyRecord(char* to, const char* from, std::size_t bytes) {
  for (int i = 0; i < kTries; ++i) {
    const std::uint32_t before = Seq(from);
    if ((before & 1) != 0) continue;
    CopyWords(to, from, bytes);
    // Acquire: pairs with the release after which the record is written.
    std::atomic_thread_fence(std::memory_order_acquire);
    if (Seq(from) == before) return;
  }
  const std::uint32_t torn = 1;
  std::memcpy(to, &torn, sizeof torn);
}

std::uint64_t Count(const char* block) {
  auto& count = reinterpret_cast<Block*>(const_cast<char*>(block))->count;
  return std::atomic_ref<std::uint64_t>(count).load(std::memory_order_acquire);
}

// The newest events; what was overwritten during the copy is left out.
void CopyRing(char* to, const char* from, std::size_t bytes) {
  const std::uint64_t slots = (bytes - sizeof(Block)) / sizeof(mapped::Event);
  const std::uint64_t done = Count(from);
  CopyWords(to + sizeof(Block), from + sizeof(Block), slots * sizeof(mapped::Event));
  std::atomic_thread_fence(std::memory_order_acquire);
  const std::uint64_t now = Count(from);
  const std::uint64_t whole = slots - std::min(mapped::kMostAtOnce, slots);
  auto* head = reinterpret_cast<Block*>(to);
  head->count = done;
  head->oldest = now > whole ? std::min(now - whole, done) : 0;
  head->from_reader = 1;
}

void CopyBlock(char* to, const char* from, const Block& block) {
  std::memcpy(to, &block, sizeof block);
  const std::size_t size = RecordBytes(block.kind);
  if (size == 0 || block.record_bytes != size) return;
  const std::size_t records = (block.bytes - sizeof block) / size;
  if (block.kind == BlockKind::kRing) {
    CopyRing(to, from, block.bytes);
  } else if (block.kind == BlockKind::kSites || block.kind == BlockKind::kTexts) {
    // Complete up to `count`, which was read first.
    CopyWords(to + sizeof block, from + sizeof block, records * size);
  } else {
    for (std::size_t i = 0; i < records; ++i) {
      const std::size_t at = sizeof block + i * size;
      CopyRecord(to + at, from + at, size);
    }
  }
}

struct Mapped {
  void* at = MAP_FAILED;
  std::size_t bytes = 0;
  ~Mapped() {
    if (at != MAP_FAILED) munmap(at, bytes);
  }
};

}  // namespace

absl::StatusOr<std::string> CopyMappedFile(int fd, const std::string& name) {
  struct stat info = {};
  if (fstat(fd, &info) != 0) {
    return absl::UnavailableError(absl::StrCat("cannot read ", name, ": ", std::strerror(errno)));
  }
  Mapped file;
  file.bytes = static_cast<std::size_t>(info.st_size);
  if (file.bytes < mapped::kHeaderBytes) {
    return absl::InvalidArgumentError(absl::StrCat(name, " is cut off within its head"));
  }
  file.at = mmap(nullptr, file.bytes, PROT_READ, MAP_SHARED, fd, 0);
  if (file.at == MAP_FAILED) {
    return absl::UnavailableError(absl::StrCat("cannot map ", name, ": ", std::strerror(errno)));
  }
  const char* base = static_cast<const char*>(file.at);
  auto header = Load<mapped::Header>({base, file.bytes}, 0);
  const std::size_t end = std::min<std::uint64_t>(header.used, file.bytes);
  std::string copy(std::max(end, mapped::kHeaderBytes), '\0');
  std::memcpy(copy.data(), &header, sizeof header);
  const std::string_view all(base, file.bytes);
  const auto copy_all = [&](auto wanted) {
    for (std::size_t at = mapped::kHeaderBytes; at + sizeof(Block) <= end;) {
      auto block = Load<Block>(all, at);
      if (!IsSound(block, end - at)) break;
      block.count = Count(base + at);
      if (wanted(block.kind)) CopyBlock(copy.data() + at, base + at, block);
      at += block.bytes;
    }
  };
  // A place is explained before the first record that names it, and its texts before that: so what
  // is copied later explains what was copied before.
  copy_all([](BlockKind k) { return k != BlockKind::kSites && k != BlockKind::kTexts; });
  copy_all([](BlockKind k) { return k == BlockKind::kSites; });
  copy_all([](BlockKind k) { return k == BlockKind::kTexts; });
  return copy;
}

}  // namespace stranded::detector
