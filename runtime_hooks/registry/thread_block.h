// What a thread of the process keeps at hand: the task it runs, its worker, its free objects.
//
// Overview: one block per OS thread, reached without a call. A task may go on on another thread
// after any blocking call, so nobody keeps a pointer into the block across one: ask again.
// Thread safety: each thread touches its own block only.
// Invariants: `current` is the task whose stack the thread is on, or null. A cache holds free
// objects of its kind only, linked through a word of theirs, at most kMost.
// Ownership: initialised with the thread, from constants. What its caches hold when the thread ends
// goes back to where it came from.
#ifndef STRANDED_RUNTIME_HOOKS_REGISTRY_THREAD_BLOCK_H_
#define STRANDED_RUNTIME_HOOKS_REGISTRY_THREAD_BLOCK_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace stranded::internal {

struct Task;
struct FinishedRing;
struct Ring;
struct SpawnNode;

// What is made and freed on hot paths.
enum class CacheKind : std::uint8_t { kTask, kSpawnNode, kChannel, kContext, kStack };
inline constexpr int kCacheKinds = 5;

struct ThreadCache {
  static constexpr std::uint32_t kMost = 128, kBatch = 64;
  void* first = nullptr;
  std::uint32_t count = 0;
  // One more is not just put on top.
  bool HasEnd() const { return count - 1 >= kMost - 1; }  // empty, or full
};

// References on one node that a thread holds in advance: a task that spawns many, and the finish of
// these, then cost no locked instruction each.
struct SpawnStash {
  static constexpr std::uint32_t kTaken = 64, kMost = 256;
  SpawnNode* node = nullptr;
  std::uint32_t count = 0;
};

struct ThreadBlock {
  Task* current = nullptr;
  void* worker = nullptr;      // PoolWorld::Worker of a worker thread
  void* exceptions = nullptr;  // its __cxa_get_globals(); set before it runs a task
  int* errno_place = nullptr;  // likewise
  std::uint64_t next_task_id = 0, task_ids_left = 0;  // see NewTaskId()
  ThreadCache caches[kCacheKinds];
  SpawnStash spawn_stash;            // see SetOrigin()
  FinishedRing* finished = nullptr;  // see RememberFinished()
  Ring* ring = nullptr;              // see MyRing()
  std::uint64_t ops = 0;             // operations begun here: what workers are judged by
  // Name the runs of transfers that go on here, or kNoRun: what one task has done since it was
  // switched to, and, while tracing, the transfers of that task, alike and in a row, that share the
  // newest record of `ring` and are counted in `run_times`. A number that the process has not had
  // before (but after 16 million threads), above a byte that is an outcome: whoever finds the same
  // word in a channel knows that the last transfer there was by the same task.
  static constexpr std::uint64_t kNoRun = ~std::uint64_t{0};
  std::uint64_t run = kNoRun, recorded_run = kNoRun;
  std::atomic<std::uint64_t>* run_times = nullptr;
  std::uint32_t run_turn = 0;  // trace_turn when the recorded run began
  std::uint8_t number = 0;     // see NumberOfThread()
  bool spills = false;         // at its end: see SpillAtThreadExit()

  void EndRecordedRun() { recorded_run = kNoRun; }
  void EndRuns() { run = recorded_run = kNoRun; }
  std::uint64_t NewRun() {
    last_run += kNextRun;
    if (last_run % kRunsAtOnce == 0) [[unlikely]]
      last_run = TakeRuns();
    return last_run;
  }

  // Threads take them by the 4,000 million: enough for two minutes at the fastest, 16 million
  // times.
  static constexpr std::uint64_t kNextRun = 0x100, kRunsAtOnce = kNextRun << 32;
  static std::uint64_t TakeRuns();
  std::uint64_t last_run = kRunsAtOnce - kNextRun;
};

// Initial-exec: reached by one load, also in position-independent code.
extern "C" __attribute__((visibility("hidden"),
                          tls_model("initial-exec"))) __thread ThreadBlock stranded_thread_block;

// Computed afresh at each call: the compiler must not reuse an address across a switch.
inline ThreadBlock* Here() {
#if defined(__x86_64__)
  ThreadBlock* block = nullptr;
  asm volatile(
      "movq stranded_thread_block@gottpoff(%%rip), %0\n\t"
      "addq %%fs:0, %0"
      : "=r"(block)
      :
      : "cc");
#else
  ThreadBlock* block = &stranded_thread_block;
  asm volatile("" : "+r"(block)::"memory");
#endif
  return block;
}

// Here()->current, for the start of each operation: one instruction and one addition less.
inline Task* TaskHere() {
#if defined(__x86_64__)
  static_assert(offsetof(ThreadBlock, current) == 0);
  Task* task = nullptr;
  asm volatile(
      "movq stranded_thread_block@gottpoff(%%rip), %0\n\t"
      "movq %%fs:(%0), %0"
      : "=r"(task)
      :
      : "memory");
  return task;
#else
  return Here()->current;
#endif
}

// How the objects of a cache go back to the common list. Set before a cache is first filled.
void SetSpill(CacheKind kind, void (*spill)(ThreadCache& cache));
// Calls `f` when the calling thread ends; also if it is ending, and objects of the program's that
// are thread_local still do things. A thread_local of ours would be gone for good by then.
void AtThreadEnd(void (*f)(void*), void* arg);
// Makes sure that the caches of the calling thread are spilled when it ends. Off hot paths.
void SpillAtThreadExit();

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_REGISTRY_THREAD_BLOCK_H_
