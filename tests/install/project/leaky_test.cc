#include <gtest/gtest.h>
#include <stranded/stranded.h>

TEST(Outside, Leaks) {
  auto [ctx, cancel] = stranded::WithCancel(stranded::Background());
  stranded::Chan<int> c;
  stranded::Go(ctx, [c] { c.Send(42); });
  cancel();
}
