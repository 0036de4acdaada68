// main() of test binaries: GoogleTest with leak checks.
#include <gtest/gtest.h>

#include "stranded/gtest.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::UnitTest::GetInstance()->listeners().Append(new stranded::LeakCheckListener);
  return RUN_ALL_TESTS();
}
