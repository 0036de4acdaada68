#include "stranded/internal/wait_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <list>
#include <random>

namespace stranded::internal {
namespace {

// Entries that leave from anywhere while others come: what looks ahead must not remember them.
TEST(WaitQueue, KeepsItsOrderWhateverLeaves) {
  std::mt19937 random(7);
  std::array<Waiter, 64> entries;
  WaitQueue queue;
  std::list<Waiter*> expected;
  for (int step = 0; step < 20000; ++step) {
    Waiter& one = entries[random() % entries.size()];
    const bool front = random() % 4 == 0;
    if (front && !expected.empty()) {
      ASSERT_EQ(queue.PopFront(), expected.front());
      expected.pop_front();
    } else if (one.queued) {
      queue.Remove(&one);
      expected.remove(&one);
      one = Waiter{};  // its stack is used for something else
    } else {
      queue.PushBack(&one);
      expected.push_back(&one);
    }
    ASSERT_EQ(queue.size(), expected.size()) << "step " << step;
    ASSERT_EQ(queue.front(), expected.empty() ? nullptr : expected.front()) << "step " << step;
  }
  for (Waiter* w : expected) ASSERT_EQ(queue.PopFront(), w);
  EXPECT_TRUE(queue.empty());
}

TEST(WaitQueue, NamesEntriesThatComeLater) {
  std::array<Waiter, 32> entries;
  WaitQueue queue;
  for (Waiter& w : entries) queue.PushBack(&w);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const bool has = i + 8 < entries.size();
    EXPECT_EQ(entries[i].ahead, has ? &entries[i + 8] : nullptr) << i;
  }
}

}  // namespace
}  // namespace stranded::internal
