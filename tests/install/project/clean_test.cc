#include <gtest/gtest.h>
#include <stranded/stranded.h>

TEST(Outside, Rendezvous) {
  stranded::Chan<int> c;
  stranded::Go([c] { c.Send(42); });
  EXPECT_EQ(c.Recv(), 42);
}
