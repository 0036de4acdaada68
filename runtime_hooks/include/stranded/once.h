// Once with the meaning of Go's sync.Once.
//
// Overview: the first Do runs its function; the others return when that has finished.
// Thread safety: everything from any task or OS thread.
// Invariants: of all functions given to one Once, exactly one runs, once. What it did happens
// before any Do returns. Calling Do of the same Once from inside its function blocks for ever, as
// in Go. Errors: if the function throws, the exception goes to its caller, and the Once counts as
// done: later and waiting callers return normally. That is Go's rule for a function that panics;
// std::call_once would run the next function instead. After a dead end: see mutex.h. Ownership:
// lives in the user's object.
#ifndef STRANDED_RUNTIME_HOOKS_ONCE_H_
#define STRANDED_RUNTIME_HOOKS_ONCE_H_

#include <atomic>
#include <source_location>
#include <utility>

#include "stranded/internal/sync_base.h"
#include "stranded/internal/tracing.h"

namespace stranded {

class Once {
 public:
  // Not explicit: an aggregate with a Once in it can be made with {}.
  Once(std::source_location loc = std::source_location::current())  // NOLINT
      : base_(internal::SyncKind::kOnce, loc) {}
  Once(const Once&) = delete;
  Once& operator=(const Once&) = delete;
  ~Once();

  template <class F>
  void Do(F&& fn, std::source_location loc = std::source_location::current()) {
    // Acquire: pairs with the release in End().
    if (done_.load(std::memory_order_acquire)) {
      if (internal::tracing.load(std::memory_order_relaxed)) [[unlikely]]
        RecordPassed(loc);
      return;
    }
    if (!Begin(loc)) return;
    const Ending ending{this};
    std::forward<F>(fn)();
  }

 private:
  struct Ending {
    Once* once;
    ~Ending() { once->End(); }
  };
  void RecordPassed(const std::source_location& loc) const;
  // True if the caller must run its function.
  bool Begin(const std::source_location& loc);
  void End();

  std::atomic<bool> done_{false};
  internal::SyncBase base_;
};

}  // namespace stranded

#endif  // STRANDED_RUNTIME_HOOKS_ONCE_H_
