// Group of tasks with the meaning of golang.org/x/sync/errgroup.WithContext.
//
// Overview: Go starts fn as a task of the group with the group's context. The first error ends that
// context, with the error as its cause; so does the return of Wait. Wait waits for all tasks and
// returns the first error.
// Thread safety: everything from any task or OS thread, but for SetLimit.
// Invariants: with a limit of n, at most n tasks of the group are alive; Go blocks until it may
// start. A negative limit is none. Errors: an exception that leaves fn counts as an error, and Wait
// rethrows the first one, before any status. MisuseError if the limit is changed while tasks are
// alive. After a dead end: see mutex.h. Ownership: tasks keep the group's state alive. The
// destructor does not wait: a group that goes without Wait leaves its tasks running.
#ifndef STRANDED_RUNTIME_HOOKS_ERR_GROUP_H_
#define STRANDED_RUNTIME_HOOKS_ERR_GROUP_H_

#include <concepts>
#include <functional>
#include <memory>
#include <source_location>
#include <utility>

#include "absl/status/status.h"
#include "stranded/context.h"
#include "stranded/task.h"

namespace stranded {

class ErrGroup {
 public:
  using Function = std::function<absl::Status(const Context&)>;

  explicit ErrGroup(const Context& parent,
                    std::source_location loc = std::source_location::current());
  ErrGroup(const ErrGroup&) = delete;
  ErrGroup& operator=(const ErrGroup&) = delete;
  ~ErrGroup();

  // A template, so that clang does not try to make a function of the braces of SpawnOptions.
  template <typename F>
    requires std::constructible_from<Function, F>
  void Go(F&& fn, std::source_location loc = std::source_location::current()) {
    Go(SpawnOptions(), Function(std::forward<F>(fn)), loc);
  }
  void Go(const SpawnOptions& options, Function fn,
          std::source_location loc = std::source_location::current());
  // Starts fn only if the limit allows it now.
  bool TryGo(Function fn, std::source_location loc = std::source_location::current());
  absl::Status Wait(std::source_location loc = std::source_location::current());
  void SetLimit(int n, std::source_location loc = std::source_location::current());
  const Context& GetContext() const;

 private:
  struct State;
  void Start(const SpawnOptions& options, Function fn, const std::source_location& loc);
  std::shared_ptr<State> state_;
};

}  // namespace stranded

#endif  // STRANDED_RUNTIME_HOOKS_ERR_GROUP_H_
