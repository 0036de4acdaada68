// Weighted semaphore with the meaning of golang.org/x/sync/semaphore.
//
// Overview: `limit` units; Acquire takes some of them, Release gives them back. First in, first
// out: a large request at the front is not overtaken by small ones, so that it is served in the
// end. Thread safety: everything from any task or OS thread. Invariants: free units + units held =
// limit. When a grant and the end of the context meet, the units either belong to the caller (Ok)
// or are free again (error): none is lost. Errors: Acquire returns the context's Err() when it ends
// first. A request larger than the limit can never be served: it waits for the context to end, and
// the status says so. MisuseError for a Release of more units than are held, and for negative
// amounts. After a dead end: see mutex.h. Ownership: lives in the user's object.
#ifndef STRANDED_RUNTIME_HOOKS_SEMAPHORE_H_
#define STRANDED_RUNTIME_HOOKS_SEMAPHORE_H_

#include <cstdint>
#include <source_location>

#include "absl/status/status.h"
#include "stranded/context.h"
#include "stranded/internal/sync_base.h"

namespace stranded {

class Semaphore {
 public:
  explicit Semaphore(std::int64_t limit,
                     std::source_location loc = std::source_location::current());
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;
  ~Semaphore();

  absl::Status Acquire(const Context& ctx, std::int64_t n = 1,
                       std::source_location loc = std::source_location::current());
  bool TryAcquire(std::int64_t n = 1, std::source_location loc = std::source_location::current());
  void Release(std::int64_t n = 1, std::source_location loc = std::source_location::current());

 private:
  friend class ErrGroup;  // marks those in it
  void GrantNext();
  void NoteTaker(const internal::Task* task, const std::source_location& site);
  absl::Status GiveBack(const Context& ctx, std::int64_t n);

  internal::SyncBase base_;
  internal::WaitQueue too_large_;  // requests above the limit; guarded by base_.lock
};

}  // namespace stranded

#endif  // STRANDED_RUNTIME_HOOKS_SEMAPHORE_H_
