// Where stacks and records come from: the pool of stacks, memory for good, references on ancestors.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "runtime_hooks/channel/chan_core.h"
#include "runtime_hooks/registry/lasting_memory.h"
#include "runtime_hooks/registry/slab.h"
#include "runtime_hooks/registry/spawn_node.h"
#include "runtime_hooks/scheduler/stack_pool.h"
#include "stranded/channel.h"
#include "stranded/task.h"

namespace stranded::internal {
namespace {

using Range = std::pair<std::uintptr_t, std::uintptr_t>;

Range RangeOf(const void* begin, std::size_t bytes) {
  const auto low = reinterpret_cast<std::uintptr_t>(begin);
  return {low, low + bytes};
}

void ExpectApart(std::vector<Range> ranges) {
  std::sort(ranges.begin(), ranges.end());
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    ASSERT_LE(ranges[i - 1].second, ranges[i].first);
  }
}

class Stacks {
 public:
  ~Stacks() {
    for (Stack* stack : all_) FreeStack(stack);
  }
  void Take(std::size_t bytes) {
    Stack* stack = AllocStack(bytes);
    std::memset(stack->top() - 100, 1, 100);
    all_.push_back(stack);
    ranges_.push_back(RangeOf(stack->low, stack->bytes));
  }
  const std::vector<Range>& ranges() const { return ranges_; }

 private:
  std::vector<Stack*> all_;
  std::vector<Range> ranges_;
};

TEST(StackPool, CallsOnceForStacksAndHasEnoughAfterAFew) {
  Stacks taken;
  // Workers of other pools may have made some, and been told that there are enough.
  for (int i = 0; i < 5000 && !CallForStacks(); ++i) taken.Take(0);
  EXPECT_FALSE(CallForStacks());
  int made = 0;
  while (MakeStacksAhead()) ASSERT_LT(++made, 10);
  EXPECT_FALSE(CallForStacks());
  EXPECT_FALSE(MakeStacksAhead());
  for (int i = 0; i < 300; ++i) taken.Take(0);
  ExpectApart(taken.ranges());
}

TEST(StackPool, StacksOfAllSizesAreApart) {
  Stacks taken;
  for (std::size_t bytes : {16u, 64u, 256u, 1024u, 4096u}) {
    for (int i = 0; i < 150; ++i) taken.Take(bytes * 1024);
  }
  ExpectApart(taken.ranges());
}

// With two workers, one makes stacks while the other one spawns.
TEST(StackPool, AWorkerMakesStacksForAnotherThatSpawns) {
  Pool pool(PoolOptions{.workers = 2, .name = "crowd"});
  const std::uint64_t before = StacksMadeAhead();
  constexpr int kAtOnce = 2000, kMost = 100'000;
  int spawned = 0, woken = 0;
  pool.Go([&] {
        const Chan<int> gate, left(kMost);
        while (spawned < kMost && StacksMadeAhead() == before) {
          for (int i = 0; i < kAtOnce; ++i, ++spawned) {
            Go([=] {
              std::ignore = gate.Recv();
              left.Send(i);
            });
          }
        }
        gate.Close();
        for (int i = 0; i < spawned; ++i) woken += left.Recv().has_value() ? 1 : 0;
      })
      .Join();
  EXPECT_GT(StacksMadeAhead(), before) << spawned;
  EXPECT_EQ(woken, spawned);
}

TEST(LastingMemory, PiecesAreZeroAndApart) {
  std::vector<Range> ranges;
  for (std::size_t bytes : {1u, 64u, 1000u, 60000u, 3u << 20, 100u, 1u << 20}) {
    for (int i = 0; i < 8; ++i) {
      const auto* piece = static_cast<const unsigned char*>(TakeForGood(bytes));
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(piece) % 64, 0u);
      EXPECT_TRUE(std::all_of(piece, piece + bytes, [](unsigned char c) { return c == 0; }));
      ranges.push_back(RangeOf(piece, bytes));
    }
  }
  ExpectApart(ranges);
}

std::set<std::uint64_t> ChannelsSeen() {
  std::set<std::uint64_t> seen;
  ChanSlab().ForEach([&](ChanCore* chan) { seen.insert(chan->id); },
                     [](ChanCore* chan) { UnrefChan(chan); });
  return seen;
}

// It passes over what a crowd has left, and not over what is made there later.
TEST(Slab, AWalkerSeesWhatThereIs) {
  std::mt19937 random(7);
  std::vector<Chan<int>> held;
  for (int round = 0; round < 60; ++round) {
    const std::size_t most = round % 3 == 0 ? 3000 : 200;
    std::thread([&] {  // what it has freed goes to the common list with it
      held.resize(random() % (held.size() + 1));
      const std::size_t wanted = random() % most;
      while (held.size() < wanted) held.emplace_back(1);
      std::shuffle(held.begin(), held.end(), random);
      if (round % 4 == 0) held.clear();
    })
        .join();
    for (int walk = 0; walk < 2; ++walk) {
      const std::set<std::uint64_t> seen = ChannelsSeen();
      for (const Chan<int>& chan : held) ASSERT_TRUE(seen.contains(chan.core()->id)) << round;
      held.emplace_back(1);
    }
  }
}

TEST(SpawnNode, AThreadGivesBackWhatItKeptTogether) {
  Origin origin;
  SpawnNode* node = MakeOwnNode(origin, 1, "parent");
  const std::uint32_t before = Slab<SpawnNode>::RefCount(node);
  constexpr int kChildren = 1000;
  for (int i = 0; i < kChildren; ++i) RefSpawnNode(node);
  std::thread([&] {
    for (int i = 0; i < kChildren; ++i) UnrefSpawnNode(node);
    EXPECT_LE(Slab<SpawnNode>::RefCount(node), before + 256);
  }).join();
  EXPECT_EQ(Slab<SpawnNode>::RefCount(node), before);
  UnrefSpawnNode(node);
}

}  // namespace
}  // namespace stranded::internal
