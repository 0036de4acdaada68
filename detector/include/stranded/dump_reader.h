// Reading dump files.
//
// Overview: a dump is a stream of packets with checksums; what is damaged is skipped and counted, a
// cut tail is normal. Refused are only files that are no dumps at all, empty ones, and those of a
// newer major version. Errors: NotFound, Unavailable (cannot be read), InvalidArgument (empty or
// foreign; packed by gzip and damaged), ResourceExhausted (much when unpacked), Unimplemented
// (newer). Each says what, where and what to do.
#ifndef STRANDED_DETECTOR_DUMP_READER_H_
#define STRANDED_DETECTOR_DUMP_READER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace stranded::detector {

struct Dump;

// Where the events of a trace are while a dump is in use. What is found in them is the same.
enum class EventStorage {
  kDecoded,  // in memory, 40 bytes each: fast to go through again and again
  kEncoded,  // left where the dump is, decoded again by whoever asks: memory does not follow them
};

// For Analyze() with options of these values, and for the reports that are made of findings: parked
// tasks that nothing else in the dump names, and that differ only in their ids and times, are kept
// as one, with their number. The findings are the same; a million tasks become a few thousand.
struct MergeAlike {
  absl::Duration min_age;
  std::size_t most_tasks_listed = 0;
};

struct ReadOptions {
  std::string source_root;  // sites below it become relative to it
  EventStorage events = EventStorage::kDecoded;
  std::optional<MergeAlike> merge;  // none: every task is there, for lists and graphs of tasks
  // Whether those are read that are rows of batches: most of a million. Lists of tasks need no more
  // than their ids.
  bool channels = true, contexts = true;
};

absl::StatusOr<std::shared_ptr<const Dump>> ReadDump(std::string bytes, std::string source,
                                                     const ReadOptions& options);
absl::StatusOr<std::shared_ptr<const Dump>> ReadDumpFile(const std::string& path,
                                                         const ReadOptions& options);

// `source` stands in messages; sites below `source_root` become relative to it. Memory stays within
// a small multiple of the bytes.
absl::StatusOr<std::shared_ptr<const Dump>> ReadDump(std::string bytes, std::string source,
                                                     const std::string& source_root = "",
                                                     EventStorage events = EventStorage::kDecoded);
// "-" reads standard input. With kEncoded a regular file stays open, and what is in memory follows
// the objects in it but not its events.
absl::StatusOr<std::shared_ptr<const Dump>> ReadDumpFile(
    const std::string& path, const std::string& source_root = "",
    EventStorage events = EventStorage::kDecoded);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_DUMP_READER_H_
