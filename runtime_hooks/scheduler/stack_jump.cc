#include "runtime_hooks/scheduler/stack_jump.h"

#ifndef STRANDED_OWN_JUMP

namespace stranded::internal {

// The announcement to TSan and the jump must stand in one function that TSan does not instrument:
// its shadow call stack would be that of the wrong fiber when an instrumented one returns.
#if defined(__clang__)
__attribute__((noinline, no_sanitize("thread")))
#else
__attribute__((noinline, no_sanitize_thread))
#endif
Arrival
JumpTo([[maybe_unused]] Task* from, Task* to, SwitchMessage* message) {
#ifdef STRANDED_ASAN
  __sanitizer_start_switch_fiber(from->dying ? nullptr : &from->asan_fake_stack, to->stack_low,
                                 to->stack_bytes);
#endif
#ifdef STRANDED_TSAN
  __tsan_switch_to_fiber(to->tsan_fiber, 0);
#endif
  const auto back = boost::context::detail::jump_fcontext(to->sp, message);
  return {back.fctx, static_cast<SwitchMessage*>(back.data)};
}

#if defined(__clang__)
__attribute__((no_sanitize("thread")))
#else
__attribute__((no_sanitize_thread))
#endif
void JumpForGood(Task* from, Task* to, SwitchMessage* message) {
  JumpTo(from, to, message);
  __builtin_unreachable();
}

}  // namespace stranded::internal

#endif
