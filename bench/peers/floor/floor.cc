#include "bench/peers/floor/floor.h"

#include <sys/mman.h>

#include <cstdlib>

// Saves what a call must keep, changes stacks, and leaves with a jump: the processor's stack of
// return addresses would be wrong.
asm(R"(
  .text
  .globl peers_floor_switch
  .type peers_floor_switch,@function
peers_floor_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  popq %rdx
  jmp *%rdx
  .size peers_floor_switch,.-peers_floor_switch
)");
extern "C" void peers_floor_switch(void** save, void* load);

namespace peers::floor {
namespace {

constexpr std::size_t kStackBytes = 8192, kStacks = std::size_t{1} << 21;

Task main_task;
Task* free_tasks = nullptr;

unsigned char* FreshStack() {
  static unsigned char* next = [] {
    void* all = mmap(nullptr, kStackBytes * kStacks, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED) std::abort();
    madvise(all, kStackBytes * kStacks, MADV_NOHUGEPAGE);
    return static_cast<unsigned char*>(all);
  }();
  unsigned char* stack = next;
  next += kStackBytes;
  return stack;
}

void Enter() {
  current->run(current);
  Finish();
}

}  // namespace

Task* current = &main_task;
List ready;
std::size_t ready_count = 0;

Task* NewTask() {
  Task* t = free_tasks;
  if (t != nullptr) {
    free_tasks = t->next;
  } else {
    t = reinterpret_cast<Task*>(FreshStack() + kStackBytes - sizeof(Task));
  }
  // Six registers, then where to go; one word more keeps the stack aligned as after a call.
  auto* top = reinterpret_cast<void**>(reinterpret_cast<std::uintptr_t>(t) & ~std::uintptr_t{15});
  top -= 8;
  top[6] = reinterpret_cast<void*>(&Enter);
  t->stack_pointer = top;
  return t;
}

void SwitchAway() {
  Task* from = current;
  Task* to = ready.Pop();
  --ready_count;
  if (to == from) return;
  current = to;
  peers_floor_switch(&from->stack_pointer, to->stack_pointer);
}

void Finish() {
  Task* done = current;
  done->next = free_tasks;
  free_tasks = done;
  current = ready.Pop();
  --ready_count;
  void* unused;
  peers_floor_switch(&unused, current->stack_pointer);
  std::abort();
}

}  // namespace peers::floor
