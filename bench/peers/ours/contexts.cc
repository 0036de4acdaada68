// Contexts: making, ending and asking them.
#include <stranded/context.h>
#include <stranded/select.h>

#include <array>
#include <utility>
#include <vector>

#include "bench/peers/measure.h"

namespace peers {
namespace {

using stranded::Background;
using stranded::Context;
using stranded::WithCancel;

template <int N>
struct Key {
  using Value = int;
};

const Register with_cancel("with_cancel", [] {
  auto [parent, end] = WithCancel(Background());
  Warmed(Scaled(2000000), 1, [&parent = parent](std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) WithCancel(parent).second();
  });
  end();
});

const Register with_timeout("with_timeout", [] {
  auto [parent, end] = WithCancel(Background());
  Warmed(Scaled(1000000), 1, [&parent = parent](std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) WithTimeout(parent, absl::Hours(1)).second();
  });
  end();
});

// Making and ending are timed apart. The cancel functions are kept, uncalled, until both are done.
const Register cancel_10k_children("cancel_10k_children", [] {
  constexpr int kChildren = 10000;
  const std::int64_t rounds = Scaled(50);
  double make = 0, end = 0;
  std::vector<std::pair<Context, stranded::CancelFunc>> children;
  children.reserve(kChildren);
  for (std::int64_t round = 0; round < rounds; ++round) {
    auto [parent, cancel] = WithCancel(Background());
    const double start = WallNs();
    for (int i = 0; i < kChildren; ++i) children.push_back(WithCancel(parent));
    const double made = WallNs();
    cancel();
    const double ended = WallNs();
    make += made - start;
    end += ended - made;
    for (const auto& child : children) child.second();
    children.clear();
  }
  const auto all = static_cast<double>(rounds * kChildren);
  Report("make_ns", make / all);
  Report("ns_per_op", end / all);
});

// Go's idiom for it: a select on Done() with a default.
const Register done_check("done_check", [] {
  auto [ctx, end] = WithCancel(Background());
  Warmed(Scaled(30000000), 1, [&ctx = ctx](std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
      if (ctx.Done().TryRecv().closed()) return;
    }
  });
  end();
});

const Register err_check("err_check", [] {
  auto [ctx, end] = WithCancel(Background());
  Warmed(Scaled(30000000), 1, [&ctx = ctx](std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
      if (!ctx.Err().ok()) return;
    }
  });
  end();
});

template <int N>
Context Deep() {
  if constexpr (N < 0) {
    return Background();
  } else {
    return WithValue<Key<N>>(Deep<N - 1>(), N);
  }
}

// Ten values above each other; the one at the root is asked for.
const Register value_depth_10("value_depth_10", [] {
  const Context ctx = Deep<9>();
  Warmed(Scaled(10000000), 1, [&](std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) Keep(ctx.Value<Key<0>>());
  });
});

const Register with_value("with_value", [] {
  const Context root = Background();
  Warmed(Scaled(5000000), 1, [&](std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) Keep(WithValue<Key<0>>(root, 7));
  });
});

}  // namespace
}  // namespace peers
