// The jump from one stack to another.
//
// Overview: JumpTo leaves the stack of `from` and goes on where `to` was left, or at its first
// function. On x86-64 it is written out here; elsewhere, and under sanitizers, it is
// Boost.Context's jump_fcontext. Why not always: that one is called but left by a jump, so that the
// processor's record of return addresses is off by one ever after and mispredicts each return of
// the task that goes on. In line there is no call; and the floating-point modes are only loaded
// where they differ. Thread safety: as SwitchTo. Invariants: what a stack that is left keeps at its
// saved pointer is SavedFrame; all other registers are saved by the function around, as for any
// call. Ownership: none.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_STACK_JUMP_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_STACK_JUMP_H_

#include <cstddef>
#include <cstdint>

#include "runtime_hooks/scheduler/sanitizers.h"
#include "runtime_hooks/scheduler/task.h"

// Where the compiler is told of shadow stacks (-fcf-protection), the jump must know of them too.
#if defined(__CET__) && (__CET__ & 2)
#define STRANDED_SHADOW_STACK 1
#endif
#if defined(__x86_64__) && !defined(STRANDED_ASAN) && !defined(STRANDED_TSAN) && \
    !defined(STRANDED_SHADOW_STACK)
#define STRANDED_OWN_JUMP 1
#else
#include <boost/context/detail/fcontext.hpp>
#endif

namespace stranded::internal {

struct SwitchMessage;

// What the stack that is entered learns.
struct Arrival {
  void* from_sp;  // where `from` can be continued
  SwitchMessage* message;
};

using StackEntry = void (*)(Arrival);

#ifdef STRANDED_OWN_JUMP

// At the saved stack pointer. Below it lies what the ABI lets a function use without moving the
// stack pointer, which may be in use: the jump may be inlined anywhere.
struct SavedFrame {
  std::uint32_t mxcsr;
  std::uint32_t x87;
  std::uint64_t rbp, rip;
};
inline constexpr std::size_t kRedZone = 128;
static_assert(sizeof(SavedFrame) == 24 && kRedZone == 128, "numbers in the assembly below");

// A new stack: the first jump to it calls `kEntry`. Returns its saved pointer.
template <StackEntry kEntry>
void* PrepareStack(void* top, std::size_t) {
  // As after a call: the stack pointer is 8 off 16, and points to a return address, which is none.
  auto* frame = reinterpret_cast<SavedFrame*>(
      (reinterpret_cast<std::uintptr_t>(top) & ~std::uintptr_t{15}) - 16 - sizeof(SavedFrame) + 8);
  *reinterpret_cast<std::uint64_t*>(frame + 1) = 0;
  frame->rbp = 0;
  frame->rip = reinterpret_cast<std::uint64_t>(kEntry);
  // A new task begins with the modes of the one that spawns it.
  frame->x87 = 0;
  asm volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(frame->mxcsr), "+m"(frame->x87));
  return frame;
}

__attribute__((always_inline)) inline Arrival JumpTo(Task*, Task* to, SwitchMessage* message) {
  Arrival arrival;
  arrival.message = message;
  void* to_sp = to->sp;
  asm volatile(
      "leaq -152(%%rsp), %%rsp\n\t"  // kRedZone + sizeof(SavedFrame)
      "leaq 1f(%%rip), %%rax\n\t"
      "movq %%rax, 16(%%rsp)\n\t"
      "movq %%rbp, 8(%%rsp)\n\t"
      "stmxcsr (%%rsp)\n\t"
      "fnstcw 4(%%rsp)\n\t"
      "movl (%%rdi), %%ecx\n\t"
      "movzwl 4(%%rdi), %%r8d\n\t"
      "movq 16(%%rdi), %%r9\n\t"
      "movq 8(%%rdi), %%rbp\n\t"
      "movq %%rsp, %%rax\n\t"
      "cmpl %%ecx, (%%rsp)\n\t"
      "jne 2f\n\t"
      "cmpw %%r8w, 4(%%rsp)\n\t"
      "jne 2f\n"
      "3:\n\t"
      "leaq 24(%%rdi), %%rsp\n\t"
      "movq %%rax, %%rdi\n\t"
      "jmp *%%r9\n"
      "2:\n\t"
      "ldmxcsr (%%rdi)\n\t"
      "fldcw 4(%%rdi)\n\t"
      "jmp 3b\n"
      "1:\n\t"
      "leaq 128(%%rsp), %%rsp\n\t"  // kRedZone
      : "+D"(to_sp), "+S"(arrival.message)
      :
      : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0",
        "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
        "xmm12", "xmm13", "xmm14", "xmm15", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)",
        "st(6)", "st(7)", "memory", "cc"
#if defined(__AVX512F__)
        ,
        "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",
        "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k0", "k1", "k2", "k3", "k4", "k5",
        "k6", "k7"
#endif
#if defined(__APX_F__)
        ,
        "r16", "r17", "r18", "r19", "r20", "r21", "r22", "r23", "r24", "r25", "r26", "r27", "r28",
        "r29", "r30", "r31"
#endif
  );
  arrival.from_sp = to_sp;
  return arrival;
}

// Leaves a stack that nobody comes back to: there is nothing to save.
[[noreturn]] __attribute__((always_inline)) inline void JumpForGood(Task*, Task* to,
                                                                    SwitchMessage* message) {
  auto* frame = static_cast<SavedFrame*>(to->sp);
  std::uint32_t mxcsr = 0;
  std::uint16_t x87 = 0;
  asm volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(x87));
  if (mxcsr != frame->mxcsr || x87 != static_cast<std::uint16_t>(frame->x87)) [[unlikely]] {
    asm volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(frame->mxcsr), "m"(frame->x87));
  }
  asm volatile(
      "movq %%rcx, %%rsp\n\t"
      "movq %%rdx, %%rbp\n\t"
      "jmp *%%rax"
      :
      : "c"(frame + 1), "d"(frame->rbp), "a"(frame->rip), "D"(nullptr), "S"(message)
      : "memory");
  __builtin_unreachable();
}

#else

template <StackEntry kEntry>
void* PrepareStack(void* top, std::size_t bytes) {
  return boost::context::detail::make_fcontext(
      top, bytes, [](boost::context::detail::transfer_t from) {
        kEntry({from.fctx, static_cast<SwitchMessage*>(from.data)});
      });
}

Arrival JumpTo(Task* from, Task* to, SwitchMessage* message);
[[noreturn]] void JumpForGood(Task* from, Task* to, SwitchMessage* message);

#endif

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_STACK_JUMP_H_
