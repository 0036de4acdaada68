// Tasks: spawning, joining, and what a task may ask about itself.
//
// Overview: Go(...) starts fn as a task of the current world. TaskHandle joins it. Pool owns worker
// threads of its own.
// Thread safety: everything from any task or OS thread.
// Invariants: fn runs exactly once. An exception that leaves fn is carried by the handles; if no
// handle is left to collect it, the process ends with the task, its spawn site and the message.
// Ownership: a running task keeps itself alive; handles keep its record, not its stack.
#ifndef STRANDED_RUNTIME_HOOKS_TASK_H_
#define STRANDED_RUNTIME_HOOKS_TASK_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/time/time.h"
#include "stranded/context.h"
#include "stranded/errors.h"

namespace stranded {

struct TaskId {
  std::uint64_t value = 0;
  friend auto operator<=>(const TaskId&, const TaskId&) = default;
};

struct SpawnOptions {
  std::string name;
  bool daemon = false;          // never reported: meant to live as long as the process
  bool pinned = false;          // always resumed by the same worker thread
  std::size_t stack_bytes = 0;  // 0: 256 KiB; only touched pages cost memory
};

namespace internal {
enum class Braces {};  // what {} is taken for before all else
struct Task;
struct SpawnNode;
struct ScopeNode;
class World;
struct SpawnSpec {
  const SpawnOptions* options = nullptr;
  const Context* context = nullptr;  // nullptr: the current task's
  World* world = nullptr;            // nullptr: the current one
  // Set together with `world` when nobody in particular spawns: a timer, the end of a context.
  bool detached = false;
  SpawnNode* parent = nullptr;
  ScopeNode* scope = nullptr;
  std::uint64_t group = 0;  // id of the WaitGroup that counts it
  std::size_t closure_bytes = 0, closure_align = 1;
  std::source_location site{};
};
// Makes a task with room for its closure; then either StartTask or AbandonTask.
Task* PrepareTask(const SpawnSpec& spec, void** closure);
void StartTask(Task* task, void (*run)(void*), void (*destroy)(void*));
void AbandonTask(Task* task);
}  // namespace internal

// Who may wait for a task and collect its exception. Copyable; empty when default made.
class TaskHandle {
 public:
  TaskHandle() = default;
  explicit TaskHandle(internal::Task* adopted) : task_(adopted) {}
  TaskHandle(const TaskHandle& other);
  TaskHandle(TaskHandle&& other) noexcept : task_(std::exchange(other.task_, nullptr)) {}
  TaskHandle& operator=(TaskHandle other) noexcept {
    std::swap(task_, other.task_);
    return *this;
  }
  ~TaskHandle();

  TaskId Id() const;
  bool Finished() const;
  // Blocks until the task has finished, then rethrows what left it (once for all handles).
  void Join(std::source_location loc = std::source_location::current()) const;

 private:
  void AwaitEnd(internal::Task* self, const std::source_location& loc) const;
  internal::Task* task_ = nullptr;
};

namespace internal {
template <class F>
TaskHandle Spawn(SpawnSpec spec, F&& fn) {
  using Fn = std::decay_t<F>;
  spec.closure_bytes = sizeof(Fn);
  spec.closure_align = alignof(Fn);
  void* room = nullptr;
  Task* task = PrepareTask(spec, &room);
  try {
    ::new (room) Fn(std::forward<F>(fn));
  } catch (...) {
    AbandonTask(task);
    throw;
  }
  TaskHandle handle(task);  // before the start: an exception must find somebody to carry it
  StartTask(
      task, [](void* p) { (*static_cast<Fn*>(p))(); }, [](void* p) { static_cast<Fn*>(p)->~Fn(); });
  return handle;
}
}  // namespace internal

template <class F>
TaskHandle Go(const SpawnOptions& options, const Context& ctx, F&& fn,
              std::source_location loc = std::source_location::current()) {
  internal::SpawnSpec spec;
  spec.options = &options;
  spec.context = &ctx;
  spec.site = loc;
  return internal::Spawn(spec, std::forward<F>(fn));
}

template <class F>
TaskHandle Go(const Context& ctx, F&& fn,
              std::source_location loc = std::source_location::current()) {
  internal::SpawnSpec spec;
  spec.context = &ctx;
  spec.site = loc;
  return internal::Spawn(spec, std::forward<F>(fn));
}

// Go({}, fn): a default context, not default options.
template <class F>
TaskHandle Go(internal::Braces, F&& fn,
              std::source_location loc = std::source_location::current()) {
  return Go(Context(), std::forward<F>(fn), loc);
}

// These inherit the current task's context.
template <class F>
  requires std::is_invocable_v<std::decay_t<F>&>
TaskHandle Go(const SpawnOptions& options, F&& fn,
              std::source_location loc = std::source_location::current()) {
  internal::SpawnSpec spec;
  spec.options = &options;
  spec.site = loc;
  return internal::Spawn(spec, std::forward<F>(fn));
}

template <class F>
  requires std::is_invocable_v<std::decay_t<F>&>
TaskHandle Go(F&& fn, std::source_location loc = std::source_location::current()) {
  internal::SpawnSpec spec;
  spec.site = loc;
  return internal::Spawn(spec, std::forward<F>(fn));
}

namespace this_task {
TaskId Id();
Context GetContext();
void Yield(std::source_location loc = std::source_location::current());
// Blocks for `d` on the runtime's clock; virtual time in a controlled world.
void SleepFor(absl::Duration d, std::source_location loc = std::source_location::current());
// A number in [0, n), uniform; an explored choice under the controlled scheduler.
std::size_t Choose(std::size_t n);
}  // namespace this_task

struct PoolOptions {
  int workers = 0;  // 0: one per core
  std::string name = "pool";
};

struct ShutdownReport {
  bool clean = true;
  std::size_t left = 0;  // tasks that had not finished within the grace
};

// Worker threads of their own. The destructor waits one second at most for tasks to finish; then it
// says on stderr how many are left and leaves them where they are.
class Pool {
 public:
  explicit Pool(PoolOptions options = {});
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // As the functions of that name, on a worker of this pool.
  template <class F>
  TaskHandle Go(internal::Braces, F&& fn,
                std::source_location loc = std::source_location::current()) {
    return Go(Context(), std::forward<F>(fn), loc);
  }
  template <class F>
  TaskHandle Go(const SpawnOptions& options, const Context& ctx, F&& fn,
                std::source_location loc = std::source_location::current()) {
    return Spawn(&options, &ctx, std::forward<F>(fn), loc);
  }
  template <class F>
  TaskHandle Go(const Context& ctx, F&& fn,
                std::source_location loc = std::source_location::current()) {
    return Spawn(nullptr, &ctx, std::forward<F>(fn), loc);
  }
  template <class F>
    requires std::is_invocable_v<std::decay_t<F>&>
  TaskHandle Go(const SpawnOptions& options, F&& fn,
                std::source_location loc = std::source_location::current()) {
    return Spawn(&options, nullptr, std::forward<F>(fn), loc);
  }
  template <class F>
    requires std::is_invocable_v<std::decay_t<F>&>
  TaskHandle Go(F&& fn, std::source_location loc = std::source_location::current()) {
    return Spawn(nullptr, nullptr, std::forward<F>(fn), loc);
  }
  ShutdownReport Shutdown(absl::Duration grace);

 private:
  template <class F>
  TaskHandle Spawn(const SpawnOptions* options, const Context* ctx, F&& fn,
                   const std::source_location& loc) {
    internal::SpawnSpec spec;
    spec.options = options;
    spec.context = ctx;
    spec.world = world_;
    spec.site = loc;
    return internal::Spawn(spec, std::forward<F>(fn));
  }

  internal::World* world_;
  bool down_ = false;
};

// Marks a blocking system call: other tasks of this worker go on on another thread meanwhile. In a
// controlled world, which has one thread, they go first, as far as they come without time passing.
class BlockingRegion {
 public:
  explicit BlockingRegion(std::source_location loc = std::source_location::current());
  ~BlockingRegion();
  BlockingRegion(const BlockingRegion&) = delete;
  BlockingRegion& operator=(const BlockingRegion&) = delete;
};

}  // namespace stranded

#endif  // STRANDED_RUNTIME_HOOKS_TASK_H_
