// Parks tasks until there is no room for another stack.
#include <stranded/stranded.h>
#include <sys/resource.h>

#include <cstdio>

int main() {
  const rlimit limit{3UL << 30, 3UL << 30};
  setrlimit(RLIMIT_AS, &limit);
  stranded::Chan<int> never;
  int started = 0;
  try {
    for (;; ++started) stranded::Go([never] { never.Recv(); });
  } catch (const stranded::ResourceError& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  never.Close();
  return started > 1000 ? 7 : 1;
}
