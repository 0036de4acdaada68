#include "runtime_hooks/recorder/unwind.h"

#define UNW_LOCAL_ONLY
#include <dlfcn.h>
#include <libunwind.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>

#include <cstring>

#include "runtime_hooks/scheduler/stack_jump.h"
#include "runtime_hooks/scheduler/stack_pool.h"

namespace stranded::internal {
namespace {

#if defined(__x86_64__)

bool InStack(const Task& task, std::uintptr_t address, std::size_t bytes) {
  const auto low = reinterpret_cast<std::uintptr_t>(task.stack->low);
  return address >= low && address + bytes <= low + task.stack->bytes;
}

#ifdef STRANDED_OWN_JUMP

// The function that left by a jump saved all else in its own frame.
bool FillContext(const Task& task, const void* saved_sp, unw_context_t* context) {
  const auto sp = reinterpret_cast<std::uintptr_t>(saved_sp);
  if (!InStack(task, sp, sizeof(SavedFrame) + kRedZone)) return false;
  SavedFrame saved;
  std::memcpy(&saved, saved_sp, sizeof saved);
  std::memset(context, 0, sizeof *context);
  greg_t* regs = context->uc_mcontext.gregs;
  regs[REG_RBP] = static_cast<greg_t>(saved.rbp);
  regs[REG_RIP] = static_cast<greg_t>(saved.rip);
  regs[REG_RSP] = static_cast<greg_t>(sp) + static_cast<greg_t>(sizeof(SavedFrame) + kRedZone);
  return true;
}

#else

// What Boost.Context leaves at the saved stack pointer of a fiber (fcontext, System V): the FPU
// words, in some builds a word for the stack protector, and then these.
struct SavedRegisters {
  std::uint64_t r12, r13, r14, r15, rbx, rbp, rip;
};

void ProbeEntry(boost::context::detail::transfer_t) {}

// Where SavedRegisters begin. A new context keeps its function in the place of RBX, which tells the
// two layouts apart; 0 if it is neither.
std::size_t FindRegisters() {
  alignas(16) static char stack[4096];
  const auto* words = static_cast<const std::uint64_t*>(
      boost::context::detail::make_fcontext(stack + sizeof stack, sizeof stack, &ProbeEntry));
  const auto function = reinterpret_cast<std::uint64_t>(&ProbeEntry);
  for (const std::size_t first : {8, 16}) {
    if (words[first / 8 + 4] == function) return first;
  }
  return 0;
}

bool FillContext(const Task& task, const void* saved_sp, unw_context_t* context) {
  static const std::size_t first = FindRegisters();
  const auto sp = reinterpret_cast<std::uintptr_t>(saved_sp);
  if (first == 0 || !InStack(task, sp, first + sizeof(SavedRegisters))) return false;
  SavedRegisters saved;
  std::memcpy(&saved, static_cast<const char*>(saved_sp) + first, sizeof saved);
  std::memset(context, 0, sizeof *context);
  greg_t* regs = context->uc_mcontext.gregs;
  regs[REG_R12] = static_cast<greg_t>(saved.r12);
  regs[REG_R13] = static_cast<greg_t>(saved.r13);
  regs[REG_R14] = static_cast<greg_t>(saved.r14);
  regs[REG_R15] = static_cast<greg_t>(saved.r15);
  regs[REG_RBX] = static_cast<greg_t>(saved.rbx);
  regs[REG_RBP] = static_cast<greg_t>(saved.rbp);
  regs[REG_RIP] = static_cast<greg_t>(saved.rip);
  regs[REG_RSP] = static_cast<greg_t>(sp + first + sizeof(SavedRegisters));
  return true;
}

#endif

// A return address that points nowhere means that the stack was overwritten.
bool IsCode([[maybe_unused]] std::uint64_t pc) {
#if __GLIBC_PREREQ(2, 35)
  dl_find_object found;
  return _dl_find_object(reinterpret_cast<void*>(pc), &found) == 0;
#else
  return true;
#endif
}

void Walk(const Task& task, const void* sp_of_task, Backtrace* out) {
  unw_context_t context;
  unw_cursor_t cursor;
  if (!FillContext(task, sp_of_task, &context) || unw_init_local(&cursor, &context) != 0) {
    out->note = "the saved registers were not found";
    return;
  }
  while (out->count < kMostFrames) {
    unw_word_t pc = 0, sp = 0;
    unw_get_reg(&cursor, UNW_REG_IP, &pc);
    unw_get_reg(&cursor, UNW_REG_SP, &sp);
    if (pc == 0 || !InStack(task, sp, 0)) return;
    if (!IsCode(pc)) {
      out->note = "the stack looks damaged: deeper frames left out";
      return;
    }
    out->pcs[out->count++] = pc;
    const int more = unw_step(&cursor);
    if (more < 0) out->note = "the frames below could not be read";
    if (more <= 0) return;
  }
  out->note = "deeper frames left out";
}

#else

void Walk(const Task&, const void*, Backtrace* out) {
  out->note = "stacks of tasks are read on x86-64 only";
}

#endif

sigjmp_buf after_fault;

}  // namespace

void UnwindParked(const Task& task, Backtrace* out) {
  out->count = 0;
  out->note = nullptr;
  // Acquire pairs with the release in ArriveFrom().
  const void* const sp =
      std::atomic_ref<void*>(const_cast<Task&>(task).sp).load(std::memory_order_acquire);
  if (task.is_thread) {
    out->note = "an OS thread: its stack is not read";
  } else if (task.stack == nullptr || sp == nullptr) {
    out->note = "the task has no stack";
  } else {
    Walk(task, sp, out);
  }
}

void UnwindInCrash(const Task& task, Backtrace* out) {
  static bool faulted = false;
  if (faulted) {  // libunwind may have been left with a lock held
    out->count = 0;
    out->note = "not read: another task's stack turned out to be damaged";
    return;
  }
  struct sigaction guard = {}, segv = {}, bus = {};
  guard.sa_handler = [](int) { siglongjmp(after_fault, 1); };
  guard.sa_flags = SA_NODEFER | SA_ONSTACK;
  sigemptyset(&guard.sa_mask);
  sigaction(SIGSEGV, &guard, &segv);
  sigaction(SIGBUS, &guard, &bus);
  sigset_t faults, before;
  sigemptyset(&faults);
  sigaddset(&faults, SIGSEGV);
  sigaddset(&faults, SIGBUS);
  pthread_sigmask(SIG_UNBLOCK, &faults, &before);
  if (sigsetjmp(after_fault, 1) == 0) {
    UnwindParked(task, out);
  } else {
    faulted = true;
    out->note = "the stack is damaged: deeper frames could not be read";
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  sigaction(SIGSEGV, &segv, nullptr);
  sigaction(SIGBUS, &bus, nullptr);
}

}  // namespace stranded::internal
