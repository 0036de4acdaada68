// The child of a fork ends by exit(), as a child does whose exec failed: what it finds of tasks and
// traces is its parent's. "killed": then the parent is killed, else it ends as its child did.
#include <signal.h>
#include <stranded/leak_check.h>
#include <stranded/stranded.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

int main(int, char** argv) {
  stranded::CheckAtExit();
  auto [ctx, cancel] = stranded::WithCancel(stranded::Background());
  const stranded::Chan<int> c, tried(1);
  tried.Send(1);  // main is a task, too
  stranded::Go({.name = "left"}, ctx, [c, tried] {
    tried.Recv();
    c.Send(1);
  });
  tried.Send(2);
  cancel();
  const pid_t child = fork();
  if (child == 0) std::exit(0);
  int status = -1;
  waitpid(child, &status, 0);
  if (std::string_view(argv[1]) == "killed") raise(SIGKILL);
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
}
