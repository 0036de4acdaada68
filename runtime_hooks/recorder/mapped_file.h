// The file behind `record=trace`: where rings and the state table live, so that they outlive the
// process.
//
// Overview: one file for each process, mapped shared, grown by whole blocks that are never given
// back. What a SIGKILL leaves is every store that was done before it. Records come from free lists;
// each thread keeps a few for itself. Thread safety: any thread. Invariants: `used` grows only
// after the new block's head is complete; room is allocated in the file before it is used, so that
// a full disk is an error here and no SIGBUS later. Ownership: the mapping lives as long as the
// process. A file nobody named is removed at the regular end.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_MAPPED_FILE_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_MAPPED_FILE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "stranded/mapped_format.h"

namespace stranded::internal {

// `path` may have %p for the process id. `temporary`: removed at the regular end.
absl::Status OpenMappedFile(const std::string& path, bool temporary);
// Where it is mapped. Release when it is there: pairs with the acquire of all who use it.
extern std::atomic<char*> mapped_base;
inline bool HasMappedFile() { return mapped_base.load(std::memory_order_acquire) != nullptr; }
// The process ends in its regular way.
void EndMappedFile();
// In the child of a fork: the file is the parent's.
void LeaveMappedFile();
// Ten times a second: the process is alive, and what its clock says.
void NoteAlive();

// A new block of `kind` with room for `payload` bytes; nullptr if there is no file, or no room in
// it.
mapped::Block* AppendBlock(mapped::BlockKind kind, std::size_t record_bytes, std::size_t payload);

// Explains `key` to readers. Cheap only when it is known: callers keep a cache before it.
void ExplainSite(std::uint64_t key, const char* file, const char* function, std::uint32_t line,
                 std::uint32_t column);

// Free records of one kind that a thread keeps. Linked through their second word.
struct RecordCache {
  void* head = nullptr;
  std::uint32_t count = 0;
};
enum class RecordKind : std::uint8_t { kTask, kContext, kChannel, kSync };
inline constexpr std::size_t kRecordKinds = 4;

// A free record's second word is the link: readers do not look past its state.
inline void*& LinkOf(void* record) { return static_cast<void**>(record)[1]; }
void RefillRecords(RecordCache& cache, RecordKind kind);
void SpillRecords(RecordCache& cache, RecordKind kind);

// Of a cache that is not empty.
inline void* PopRecord(RecordCache& cache) {
  void* record = cache.head;
  cache.head = LinkOf(record);
  --cache.count;
  return record;
}

// nullptr if there is no room: then it is counted in the file's header.
inline void* TakeRecord(RecordCache& cache, RecordKind kind) {
  if (cache.head == nullptr) [[unlikely]]
    RefillRecords(cache, kind);
  return cache.head == nullptr ? nullptr : PopRecord(cache);
}

// Last in the function that uses it: then a full cache is left by a tail call, and nothing is
// saved.
__attribute__((always_inline)) inline void GiveRecord(RecordCache& cache, RecordKind kind,
                                                      void* record) {
  constexpr std::uint32_t kMostKept = 128;
  LinkOf(record) = cache.head;
  cache.head = record;
  if (++cache.count > kMostKept) [[unlikely]]
    SpillRecords(cache, kind);
}

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_MAPPED_FILE_H_
