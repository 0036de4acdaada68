// Dies as its argument says while one task is parked: abort, segv, overflow, or damaged: abort
// after the stack of the parked task was overwritten. With "fork" it spawns a task in the child of
// a fork instead.
#include <stranded/channel.h>
#include <stranded/task.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/runtime/sync_test_support.h"

namespace {

volatile int zero = 0;
// Where the switch keeps RBP and where the frames begin; near enough for damage.
constexpr int kRbpAt = 0x38, kFramesAt = 0x60, kDamagedBytes = 160;

int Deeper(int n) {  // NOLINT(misc-no-recursion): that is what it is for
  volatile char room[1024];
  room[n % 1024] = static_cast<char>(n);
  return n == -1 ? 0 : Deeper(n + 1) + room[0];
}

// What a write out of bounds might do to the saved registers and the frames of a parked task.
void DamageStack(stranded::TaskId id) {
  stranded::internal::TaskSlab().ForEach(
      [&](stranded::internal::Task* task) {
        if (task->id != id.value) return;
        char* from = static_cast<char*>(task->sp);
        std::memset(from + kRbpAt, 0x41, sizeof(void*));
        std::memset(from + kFramesAt, 0x41, kDamagedBytes);
      },
      [](stranded::internal::Task* task) { stranded::internal::UnrefTask(task); });
}

int SpawnInChild() {
  const pid_t child = fork();
  if (child == 0) {
    try {
      stranded::Go([] {}).Join();
    } catch (const std::exception& e) {
      std::fprintf(stderr, "%s\n", e.what());
      _exit(7);
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string how = argc > 1 ? argv[1] : "abort";
  const stranded::Chan<int> never;
  stranded::SpawnOptions options;
  options.name = "parked at the crash";
  const stranded::TaskHandle parked =
      stranded::Go(options, stranded::Background(), [never] { never.Recv(); });
  stranded::AwaitParked(parked.Id(), stranded::internal::WaitKind::kChanRecv);
  if (how == "fork") return SpawnInChild();
  if (how == "segv") *reinterpret_cast<volatile int*>(static_cast<long>(zero)) = 1;
  if (how == "damaged") DamageStack(parked.Id());
  if (how == "overflow") {
    options.name = "too deep";
    stranded::Go(options, stranded::Background(), [] { zero = Deeper(0); }).Join();
  }
  std::abort();
}
