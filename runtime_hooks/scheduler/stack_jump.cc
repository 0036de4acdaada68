#include "runtime_hooks/scheduler/stack_jump.h"

#ifdef STRANDED_OWN_JUMP

namespace stranded::internal {

void* PrepareStack(void* top, StackEntry entry) {
  // As after a call: the stack pointer is 8 off 16, and points to a return address, which is none.
  auto* frame = reinterpret_cast<SavedFrame*>(
      (reinterpret_cast<std::uintptr_t>(top) & ~std::uintptr_t{15}) - 16 - sizeof(SavedFrame) + 8);
  *reinterpret_cast<std::uint64_t*>(frame + 1) = 0;
  frame->rbp = 0;
  frame->rip = reinterpret_cast<std::uint64_t>(entry);
  // A new task begins with the modes of the one that spawns it.
  std::uint16_t x87 = 0;
  asm volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(frame->mxcsr), "=m"(x87));
  frame->x87 = x87;
  return frame;
}

}  // namespace stranded::internal

#else

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

}  // namespace stranded::internal

#endif
