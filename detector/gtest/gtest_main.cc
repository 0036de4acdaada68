// main() of test binaries: GoogleTest with leak checks.
#include <gtest/gtest.h>

#include "stranded/gtest.h"
#include "stranded/options.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  listeners.Append(new stranded::LeakCheckListener);
  if (!stranded::GetOptions().explore.empty()) {
    // The listener ends the program when every test has been explored.
    GTEST_FLAG_SET(repeat, -1);
    delete listeners.Release(listeners.default_result_printer());
  }
  return RUN_ALL_TESTS();
}
