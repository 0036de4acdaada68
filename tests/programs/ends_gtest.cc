// Tests of which two end the program, one of them in some schedules only.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>

#include "stranded/stranded.h"

namespace stranded {
namespace {

TEST(Ends, Leaks) {
  const Chan<int> answers;
  Go([answers] { answers.Send(1); });
}

TEST(Ends, BySignal) {
  const Chan<int> values(2);
  WaitGroup all;
  for (int i = 1; i <= 2; ++i) all.Go([values, i] { values.Send(i); });
  all.Wait();
  if (values.Recv() == 2) raise(SIGABRT);
}

TEST(Ends, ByExit) { std::exit(7); }

TEST(Ends, Not) {}

}  // namespace
}  // namespace stranded
