// WaitGroup with the meaning of Go's sync.WaitGroup.
//
// Overview: Add counts tasks in, Done counts them out, Wait blocks until the count is zero.
// Thread safety: everything from any task or OS thread.
// Invariants: the count is never negative; nobody waits while it is zero. It may be used again once
// all Wait calls of the round before have returned.
// Errors: MisuseError for a count below zero (the count stays as it was), and from a Wait that
// finds the next round begun before it could return. After a dead end: see mutex.h. Ownership:
// lives in the user's object; it may be destroyed as soon as Wait has returned.
#ifndef STRANDED_RUNTIME_HOOKS_WAIT_GROUP_H_
#define STRANDED_RUNTIME_HOOKS_WAIT_GROUP_H_

#include <source_location>
#include <type_traits>
#include <utility>

#include "stranded/internal/sync_base.h"
#include "stranded/task.h"

namespace stranded {

class WaitGroup {
 public:
  // Not explicit: an aggregate with a wait group in it can be made with {}.
  WaitGroup(std::source_location loc = std::source_location::current())  // NOLINT
      : base_(internal::SyncKind::kWaitGroup, loc) {}
  WaitGroup(const WaitGroup&) = delete;
  WaitGroup& operator=(const WaitGroup&) = delete;
  ~WaitGroup();

  void Add(int delta, std::source_location loc = std::source_location::current());
  void Done(std::source_location loc = std::source_location::current()) { Add(-1, loc); }
  void Wait(std::source_location loc = std::source_location::current());

  // Runs `fn` as a task that counts, in the context of the caller or in `ctx`. `fn` must not throw.
  template <class F>
    requires std::is_invocable_v<std::decay_t<F>&>
  void Go(F&& fn, std::source_location loc = std::source_location::current()) {
    Spawn(nullptr, nullptr, std::forward<F>(fn), loc);
  }
  template <class F>
    requires std::is_invocable_v<std::decay_t<F>&>
  void Go(const Context& ctx, F&& fn, std::source_location loc = std::source_location::current()) {
    Spawn(nullptr, &ctx, std::forward<F>(fn), loc);
  }
  template <class F>
    requires std::is_invocable_v<std::decay_t<F>&>
  void Go(const SpawnOptions& options, const Context& ctx, F&& fn,
          std::source_location loc = std::source_location::current()) {
    Spawn(&options, &ctx, std::forward<F>(fn), loc);
  }
  // Go({}, fn): default options.
  template <class F>
    requires std::is_invocable_v<std::decay_t<F>&>
  void Go(internal::Braces, F&& fn, std::source_location loc = std::source_location::current()) {
    Spawn(nullptr, nullptr, std::forward<F>(fn), loc);
  }
  template <class F>
    requires std::is_invocable_v<std::decay_t<F>&>
  void Go(const SpawnOptions& options, F&& fn,
          std::source_location loc = std::source_location::current()) {
    Spawn(&options, nullptr, std::forward<F>(fn), loc);
  }

 private:
  template <class F>
  void Spawn(const SpawnOptions* options, const Context* context, F&& fn,
             const std::source_location& loc) {
    Add(1, loc);
    internal::SpawnSpec spec;
    spec.options = options;
    spec.context = context;
    spec.site = loc;
    spec.group = base_.id;
    try {
      internal::Spawn(spec, [this, loc, fn = std::forward<F>(fn)]() mutable {
        fn();
        Done(loc);
      });
    } catch (...) {  // no task: no stack, or the copy of fn threw
      Done(loc);
      throw;
    }
  }

  friend class ErrGroup;  // marks those in it
  internal::SyncBase base_;
};

}  // namespace stranded

#endif  // STRANDED_RUNTIME_HOOKS_WAIT_GROUP_H_
