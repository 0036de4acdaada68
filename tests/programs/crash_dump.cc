// Dies of the signal its argument names while one task is parked: abort, segv, overflow.
// With "fork" it spawns a task in the child of a fork instead.
#include <stranded/channel.h>
#include <stranded/task.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

volatile int zero = 0;

int Deeper(int n) {  // NOLINT(misc-no-recursion): that is what it is for
  volatile char room[1024];
  room[n % 1024] = static_cast<char>(n);
  return n == -1 ? 0 : Deeper(n + 1) + room[0];
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
  const stranded::Chan<int> never, started;
  stranded::SpawnOptions options;
  options.name = "parked at the crash";
  stranded::Go(options, stranded::Background(), [never, started] {
    started.Send(1);
    never.Recv();
  });
  started.Recv();
  if (how == "fork") return SpawnInChild();
  if (how == "segv") *reinterpret_cast<volatile int*>(static_cast<long>(zero)) = 1;
  if (how == "overflow") {
    options.name = "too deep";
    stranded::Go(options, stranded::Background(), [] { zero = Deeper(0); }).Join();
  }
  std::abort();
}
