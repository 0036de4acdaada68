#include "stranded/err_group.h"

#include <cxxabi.h>

#include <atomic>
#include <exception>
#include <optional>
#include <string>
#include <typeinfo>

#include "absl/strings/str_cat.h"
#include "runtime_hooks/scheduler/task.h"
#include "stranded/errors.h"
#include "stranded/internal/explore_support.h"
#include "stranded/internal/spin_lock.h"
#include "stranded/semaphore.h"
#include "stranded/task.h"
#include "stranded/wait_group.h"

namespace stranded {

struct ErrGroup::State {
  State(std::pair<Context, CancelCauseFunc> made, const std::source_location& loc)
      : context(std::move(made.first)), cancel(std::move(made.second)), running(loc) {
    running.base_.role = internal::SyncRole::kErrGroup;
  }

  const Context context;
  const CancelCauseFunc cancel;
  WaitGroup running;
  std::optional<Semaphore> limit;
  std::atomic<int> alive{0};  // only SetLimit looks, which must not race with Go

  internal::SpinLock lock;
  absl::Status first_error ABSL_GUARDED_BY(lock);
  bool failed ABSL_GUARDED_BY(lock) = false;
  std::exception_ptr first_exception ABSL_GUARDED_BY(lock);

  void Run(const Function& fn, const std::source_location& loc);
  void Fail(const absl::Status& error, std::exception_ptr exception,
            const std::source_location& loc);
  void Leave(const std::source_location& loc);
};

namespace {

absl::Status AsStatus(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& e) {
    return absl::UnknownError(absl::StrCat("exception: ", e.what()));
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    return absl::UnknownError(
        absl::StrCat("exception of type ", type == nullptr ? "unknown" : type->name()));
  }
}

}  // namespace

// Only the first failure ends the context; the status shares its text, so copies do not allocate.
void ErrGroup::State::Fail(const absl::Status& error, std::exception_ptr exception,
                           const std::source_location& loc) {
  bool first = false;
  {
    internal::SpinGuard guard(lock);
    first = !failed;
    failed = true;
    if (first) first_error = error;
    if (first_exception == nullptr) first_exception.swap(exception);
  }
  if (first) cancel(error, loc);
}

void ErrGroup::State::Run(const Function& fn, const std::source_location& loc) {
  absl::Status status;
  std::exception_ptr exception;
  try {
    status = fn(context);
  } catch (const internal::TaskUnwound&) {
    // It counts as returned: where its context has ended, as `return ctx.Err()`.
    if (internal::CurrentTask()->unwinding == internal::Unwinding::kGivesUp) status = context.Err();
  } catch (...) {
    exception = std::current_exception();
  }
  if (exception != nullptr) {
    Fail(AsStatus(exception), exception, loc);
  } else if (!status.ok()) {
    Fail(status, nullptr, loc);
  }
}

void ErrGroup::State::Leave(const std::source_location& loc) {
  if (limit.has_value()) limit->Release(1, loc);
  // Release: pairs with the acquire in SetLimit, which may replace the semaphore from here on.
  alive.fetch_sub(1, std::memory_order_release);
  running.Done(loc);
}

ErrGroup::ErrGroup(const Context& parent, std::source_location loc)
    : state_(std::make_shared<State>(WithCancelCause(parent, loc), loc)) {}

ErrGroup::~ErrGroup() = default;

const Context& ErrGroup::GetContext() const { return state_->context; }

void ErrGroup::Start(const SpawnOptions& options, Function fn, const std::source_location& loc) {
  State& state = *state_;
  state.alive.fetch_add(1, std::memory_order_relaxed);
  state.running.Add(1, loc);
  internal::SpawnSpec spec;
  spec.options = &options;
  spec.context = &state.context;
  spec.site = loc;
  spec.group = state.running.base_.id;
  try {
    internal::Spawn(spec, [state = state_, fn = std::move(fn), loc]() mutable {
      state->Run(fn, loc);
      fn = nullptr;  // what it holds goes before Wait returns
      state->Leave(loc);
    });
  } catch (...) {  // no stack for it
    state.Leave(loc);
    throw;
  }
}

void ErrGroup::Go(const SpawnOptions& options, Function fn, std::source_location loc) {
  if (state_->limit.has_value()) {
    const absl::Status got = state_->limit->Acquire(Background(), 1, loc);
    if (!got.ok()) return;  // only while unwinding after a dead end
  }
  Start(options, std::move(fn), loc);
}

bool ErrGroup::TryGo(Function fn, std::source_location loc) {
  if (state_->limit.has_value() && !state_->limit->TryAcquire(1, loc)) return false;
  Start(SpawnOptions(), std::move(fn), loc);
  return true;
}

absl::Status ErrGroup::Wait(std::source_location loc) {
  State& state = *state_;
  state.running.Wait(loc);
  absl::Status error;
  std::exception_ptr exception;
  {
    internal::SpinGuard guard(state.lock);
    error = state.first_error;
    exception = state.first_exception;
  }
  state.cancel(error, loc);  // an Ok cause stands for CancelledError
  if (exception != nullptr) std::rethrow_exception(exception);
  return error;
}

void ErrGroup::SetLimit(int n, std::source_location loc) {
  // Acquire: pairs with the release in Leave.
  if (state_->alive.load(std::memory_order_acquire) != 0) {
    throw MisuseError("ErrGroup: the limit was changed while tasks of the group are alive");
  }
  state_->limit.reset();
  if (n < 0) return;
  state_->limit.emplace(n, loc);
  state_->limit->base_.role = internal::SyncRole::kErrGroup;
}

}  // namespace stranded
