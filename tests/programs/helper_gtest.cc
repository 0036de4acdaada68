// Tests that are meant to fail: sends that are not in the function a task was started with.
// tests/cli/explore_test.py looks on.
#include <stranded/gtest.h>
#include <stranded/stranded.h>

namespace stranded {
namespace {

void Emit(const Chan<int>& out, int value) {
  if (value < 0) return;
  out.Send(value);
}

// Whoever edits Emit() alone makes this loop spin.
TEST(Helper, IsCalledInALoop) {
  auto [ctx, cancel] = WithCancel(Background());
  Chan<int> out;
  Go({.name = "source"}, ctx, [out] {
    for (int i = 0;; ++i) Emit(out, i);
  });
  out.Recv();
  cancel();
}

TEST(Helper, IsALambda) {
  auto [ctx, cancel] = WithCancel(Background());
  Chan<int> out;
  Go({.name = "source"}, ctx, [out] {
    const auto emit = [&](int value) {
      if (value < 0) return;
      out.Send(value);
    };
    for (int i = 0;; ++i) emit(i);
  });
  out.Recv();
  cancel();
}

TEST(Helper, IsNotNeeded) {
  auto [ctx, cancel] = WithCancel(Background());
  Chan<int> out;
  Go({.name = "source"}, ctx, [out] {
    for (int i = 0;; ++i) {
      out.Send(i);
    }
  });
  out.Recv();
  cancel();
}

}  // namespace
}  // namespace stranded
