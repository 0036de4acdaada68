// The child of a fork tries to start a task: its worker threads stayed in the parent.
#include <stranded/stranded.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

int main() {
  stranded::Go([] {}).Join();
  const pid_t child = fork();
  if (child == 0) {
    try {
      stranded::Go([] {}).Join();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      _exit(5);
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  stranded::Go([] {}).Join();  // the parent goes on
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
