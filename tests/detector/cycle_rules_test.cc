// wait-cycle and semaphore-cycle: programs that have them, and near misses that must stay silent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "stranded/explore.h"
#include "stranded/stranded.h"
#include "tests/detector/dump_builder.h"
#include "tests/detector/object_specs.h"

namespace stranded::detector {
namespace {

using testing::HasSubstr;
using testing::Not;

template <class T, class... A>
std::shared_ptr<T> Shared(A&&... args) {  // with this file as its place
  return std::shared_ptr<T>(new T(std::forward<A>(args)...));
}

// The rules of all bad ends of many schedules.
std::string RulesOf(const std::function<void()>& body) {
  ExploreOptions options;
  options.schedules = 100;
  options.stop_at_first = false;
  std::set<std::string> rules;
  for (const ExploreOutcome& end : Explore(options, body).outcomes) {
    for (const Finding& f : end.report.findings()) rules.emplace(f.rule());
  }
  std::string all;
  for (const std::string& rule : rules) all += (all.empty() ? "" : ",") + rule;
  return all;
}

Finding FirstOf(const std::function<void()>& body, std::string_view rule) {
  ExploreOptions options;
  options.schedules = 100;
  const ExploreResult result = Explore(options, body);
  for (const ExploreOutcome& end : result.outcomes) {
    for (const Finding& f : end.report.findings()) {
      if (f.rule() == rule) return f;
    }
  }
  ADD_FAILURE() << "no " << rule << " in:\n" << result.ToText();
  return Finding({});
}

TEST(WaitCycle, ATaskThatJoinsItself) {
  const Finding f = FirstOf(
      [] {
        auto self = std::make_shared<TaskHandle>();
        Chan<Unit> go;
        *self = Go({.name = "me"}, [=] {
          go.Recv();
          self->Join();
        });
        go.Close();
      },
      "wait-cycle");
  EXPECT_EQ(f.verdict(), "proven");
  EXPECT_THAT(f.title(), HasSubstr("\"me\" is blocked joining itself"));
  EXPECT_THAT(AllText(f), HasSubstr("in another task than the one that is joined"));
}

TEST(WaitCycle, TasksThatJoinEachOther) {
  const Finding f = FirstOf(
      [] {
        auto both = std::make_shared<std::array<TaskHandle, 2>>();
        Chan<Unit> go;
        for (std::size_t i = 0; i < 2; ++i) {
          (*both)[i] = Go([=] {
            go.Recv();
            (*both)[1 - i].Join();
          });
        }
        go.Close();
      },
      "wait-cycle");
  EXPECT_EQ(f.verdict(), "proven");
  EXPECT_EQ(f.task_count(), 2U);
  EXPECT_THAT(f.title(), HasSubstr("2 tasks wait for each other's end in a cycle"));
}

TEST(WaitCycle, ATaskThatWaitsForItsOwnWaitGroup) {
  const Finding f = FirstOf(
      [] {
        auto group = Shared<WaitGroup>();
        group->Go([] {});
        group->Go([group] { group->Wait(); });
      },
      "wait-cycle");
  EXPECT_EQ(f.verdict(), "proven");
  EXPECT_THAT(f.title(), HasSubstr("a WaitGroup that counts it, too"));
  // A Done() more would let it through, and then be one too many.
  EXPECT_FALSE(HasFix(f, FixKind::kAddDone));
  EXPECT_THAT(AllText(f), HasSubstr("in a task that the group does not count"));
}

TEST(WaitCycle, ATaskThatWaitsForItsOwnErrGroup) {
  const Finding f = FirstOf(
      [] {
        auto group = Shared<ErrGroup>(Background());
        group->Go([group](const stranded::Context&) { return group->Wait(); });
      },
      "wait-cycle");
  EXPECT_THAT(f.title(), HasSubstr("Wait() of the ErrGroup that it runs in"));
}

TEST(WaitCycle, GroupsThatWaitForEachOther) {
  const auto body = [] {
    auto one = Shared<WaitGroup>(), other = Shared<WaitGroup>();
    Chan<Unit> go;
    one->Go([=] {
      go.Recv();
      other->Wait();
    });
    other->Go([=] {
      go.Recv();
      one->Wait();
    });
    go.Close();
  };
  EXPECT_EQ(RulesOf(body), "wait-cycle");
}

// What keeps the members of a group is not the cycle; those who wait for them are in none.
TEST(WaitCycle, ThoseThatWaitForACycleAreNotInIt) {
  const auto body = [] {
    auto group = Shared<WaitGroup>();
    group->Go([group] { group->Wait(); });
    Go([group] { group->Wait(); });
  };
  EXPECT_EQ(RulesOf(body), "wait-cycle,waitgroup-stuck");
  const std::string text = AllText(FirstOf(body, "waitgroup-stuck"));
  EXPECT_THAT(text, HasSubstr("is one of those that are counted"));
  EXPECT_THAT(text, Not(HasSubstr("missing")));
}

TEST(WaitCycle, TwinsThatWaitForOthersEnd) {
  EXPECT_EQ(RulesOf([] {
              auto outer = Shared<WaitGroup>(), inner = Shared<WaitGroup>();
              for (int i = 0; i < 2; ++i) inner->Go([] { this_task::Yield(); });
              outer->Go([=] { inner->Wait(); });
              Go([=] { outer->Wait(); }).Join();
            }),
            "");
  // Its own count is given back before it waits, as by a task that takes itself out.
  EXPECT_EQ(RulesOf([] {
              auto group = Shared<WaitGroup>();
              group->Add(1);
              group->Go([group] { this_task::Yield(); });
              Go([group] {
                group->Done();
                group->Wait();
              }).Join();
            }),
            "");
}

// One that has called Done() is not counted, though it was started by Go().
TEST(WaitCycle, AMemberThatCalledDoneIsInNoCycle) {
  const auto body = [] {
    auto group = Shared<WaitGroup>();
    group->Add(1);
    Go([] {});  // forgets Done()
    group->Go([group] {
      group->Done();
      group->Wait();
      group->Add(1);
    });
  };
  const std::string text = AllText(FirstOf(body, "waitgroup-stuck"));
  EXPECT_THAT(text, HasSubstr("1 call of Done() missing"));
  EXPECT_EQ(RulesOf(body), "waitgroup-stuck");
}

// What the function of a member has captured goes when it no longer counts.
TEST(WaitCycle, AMemberThatIsBlockedBehindItsDoneIsNotCounted) {
  struct Flush {
    Chan<int> to;
    ~Flush() { to.Send(1); }
  };
  const auto body = [] {
    auto group = Shared<WaitGroup>();
    Chan<int> never;
    group->Add(1);
    Go([] {});  // forgets Done()
    group->Go([flush = std::make_shared<Flush>(never)] {});
    Go([group] { group->Wait(); });
  };
  const std::string text = AllText(FirstOf(body, "waitgroup-stuck"));
  EXPECT_THAT(text, HasSubstr("1 call of Done() missing"));
  EXPECT_THAT(text, Not(HasSubstr("which it counts")));
}

// Counted by hand, as with Go's defer: it seems to be one of those, and one Done() more would be
// one too many.
TEST(WaitCycle, AWaiterThatSeemsToBeCountedIsNamed) {
  const Finding f = FirstOf(
      [] {
        auto group = Shared<WaitGroup>();
        for (int i = 0; i < 2; ++i) {
          group->Add(1);
          Go([=] {
            if (i == 1) group->Wait();
            group->Done();
          });
        }
      },
      "waitgroup-stuck");
  EXPECT_THAT(AllText(f), HasSubstr("seems to count it, too"));
  EXPECT_FALSE(HasFix(f, FixKind::kAddDone));
}

// The cycle is told whole, whoever of it is not to be reported.
TEST(WaitCycle, ADaemonIsCounted) {
  const auto body = [] {
    auto both = std::make_shared<std::array<TaskHandle, 2>>();
    Chan<Unit> go;
    for (std::size_t i = 0; i < 2; ++i) {
      (*both)[i] = Go({.name = "", .daemon = i == 0}, [=] {
        go.Recv();
        (*both)[1 - i].Join();
      });
    }
    go.Close();
  };
  EXPECT_THAT(FirstOf(body, "wait-cycle").title(), HasSubstr("2 tasks wait for each other's end"));
}

// A group whose members are known is waited for because of them, whoever else moves.
TEST(WaitCycle, AMemberThatMovesIsWaitedFor) {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId at = dump.At("a.cc", 5);
  Sync group = Lock(2, 0, at, SyncKind::kWaitGroup);
  group.counter = 1;
  TaskSpec member = InState(8, TaskState::kRunning);
  member.task.group = 2;
  dump.Add(group).Add(member);
  dump.Add(Waiter(7, WaitKind::kWaitGroupWait, 2, at)).End();
  EXPECT_EQ(Rules(Examine(dump)), "");
}

TEST(WaitCycle, AJoinIsProvenWhateverMoves) {
  const auto rules = [](bool open) {
    DumpBuilder dump;
    dump.Add(Busy()).Add(InState(5, TaskState::kRunning));
    const SiteId at = dump.At("a.cc", 5);
    for (Id id = 100; id < 100000; ++id) {  // a chain that long must not be followed by calls
      TaskSpec task = Waiter(id, WaitKind::kJoin, 0, at);
      task.task.join_task = id + 1;
      if (id + 1 == 100000) task.task.join_task = open ? 5 : 100;
      dump.Add(task);
    }
    dump.End();
    AnalysisOptions options;
    options.rules = {"wait-cycle"};
    return Rules(Examine(dump, options));
  };
  EXPECT_EQ(rules(true), "");
  EXPECT_EQ(rules(false), "wait-cycle");
}

TEST(SemaphoreCycle, TasksThatKeepAPartAndWaitForTheRest) {
  const auto body = [](bool at_once) {
    auto units = Shared<Semaphore>(4);
    for (int i = 0; i < 2; ++i) {
      Go({.name = "half"}, [units, at_once] {
        units->Acquire(Background(), at_once ? 4 : 2).IgnoreError();
        this_task::SleepFor(absl::Milliseconds(1));
        if (!at_once) {
          units->Acquire(Background(), 2).IgnoreError();
        }
        units->Release(4);
      });
    }
    this_task::SleepFor(absl::Milliseconds(5));
  };
  const Finding f = FirstOf([&] { body(false); }, "semaphore-cycle");
  EXPECT_EQ(f.task_count(), 2U);
  EXPECT_THAT(f.title(), HasSubstr("whose last taker waits for more of it"));
  EXPECT_THAT(AllText(f), HasSubstr("Take in one Acquire()"));
  EXPECT_EQ(RulesOf([&] { body(true); }), "");
}

TEST(SemaphoreCycle, TwoThatAreTakenInBothOrders) {
  const auto take = [](const auto& first, const auto& second) {
    return [=] {
      first->Acquire(Background()).IgnoreError();
      this_task::SleepFor(absl::Milliseconds(1));
      second->Acquire(Background()).IgnoreError();
      second->Release();
      first->Release();
    };
  };
  const auto body = [&](bool one_order) {
    auto a = Shared<Semaphore>(1), b = Shared<Semaphore>(1);
    Go(take(a, b));
    Go(one_order ? take(a, b) : take(b, a));
    this_task::SleepFor(absl::Milliseconds(5));
  };
  const Finding f = FirstOf([&] { body(false); }, "semaphore-cycle");
  EXPECT_EQ(f.task_count(), 2U);
  EXPECT_THAT(AllText(f), HasSubstr("in the same order everywhere"));
  EXPECT_EQ(RulesOf([&] { body(true); }), "");
}

// It has given back what it took, another task has not.
TEST(SemaphoreCycle, ATakerThatGaveBackKeepsNothing) {
  const auto body = [] {
    auto units = Shared<Semaphore>(3);
    Go([units] { units->Acquire(Background()).IgnoreError(); }).Join();  // keeps it
    Chan<Unit> go;
    Go([=] {
      units->Acquire(Background()).IgnoreError();
      go.Recv();
      units->Release();
    });
    this_task::SleepFor(absl::Milliseconds(1));
    Go([=] {
      units->Acquire(Background()).IgnoreError();
      units->Release();
      go.Send({});
      this_task::SleepFor(absl::Milliseconds(1));
      units->Acquire(Background(), 3).IgnoreError();
    });
  };
  EXPECT_EQ(RulesOf(body), "orphaned-lock");
  const std::string text = AllText(FirstOf(body, "orphaned-lock"));
  EXPECT_THAT(text, HasSubstr("it has given back, too: one that took before it may not have"));
}

// The dispatcher of x/sync's documentation: it takes a unit for each job, and all to wait for them.
TEST(SemaphoreCycle, UnitsTakenForJobsThatHaveEndedAreNotKept) {
  const auto body = [](bool gives_back) {
    auto units = Shared<Semaphore>(2);
    Go([=] {
      for (int i = 0; i < 2; ++i) {
        units->Acquire(Background()).IgnoreError();
        Go([=] {
          if (gives_back) units->Release();
        });
      }
      units->Acquire(Background(), 2).IgnoreError();
      units->Release(2);
    });
  };
  EXPECT_EQ(RulesOf([&] { body(false); }), "orphaned-lock");
  EXPECT_EQ(RulesOf([&] { body(true); }), "");
}

// What the advice for a semaphore is about: who took, and has not left, or who gives back.
TEST(OrphanedSemaphore, ATakerThatIsBlockedIsToGiveBackBefore) {
  const std::string text = AllText(FirstOf(
      [] {
        auto units = Shared<Semaphore>(1);
        Chan<int> jobs;
        Go([=] {
          units->Acquire(Background()).IgnoreError();
          jobs.Recv();
          units->Release();
        });
        this_task::SleepFor(absl::Milliseconds(1));
        Go([=] {
          units->Acquire(Background()).IgnoreError();
          jobs.Send(1);
          units->Release();
        });
      },
      "orphaned-lock"));
  EXPECT_THAT(text, HasSubstr(" before the operation at "));
  EXPECT_THAT(text, Not(HasSubstr("scoped guard")));
}

// A limit: each gives back what it took, but for one.
TEST(OrphanedSemaphore, ATakerThatHasLeftIsToGiveBack) {
  const std::string text = AllText(FirstOf(
      [] {
        auto units = Shared<Semaphore>(1);
        Go([units] {
          units->Acquire(Background()).IgnoreError();
          units->Release();
        }).Join();
        Go([units] { units->Acquire(Background()).IgnoreError(); }).Join();
        Go([units] { units->Acquire(Background()).IgnoreError(); });
      },
      "orphaned-lock"));
  EXPECT_THAT(text, HasSubstr("on every way out of that function; a scoped guard does it"));
}

TEST(OrphanedSemaphore, WhoGivesBackIsNamed) {
  const std::string text = AllText(FirstOf(
      [] {
        auto items = Shared<Semaphore>(2);
        items->Acquire(Background(), 2).IgnoreError();
        Go({.name = "producer"}, [items] { items->Release(); });
        this_task::SleepFor(absl::Milliseconds(1));
        Go([items] {
          for (int i = 0; i < 2; ++i) items->Acquire(Background()).IgnoreError();
        });
      },
      "orphaned-lock"));
  EXPECT_THAT(text, HasSubstr("given back last by"));
  EXPECT_THAT(text, HasSubstr("\"producer\""));
  EXPECT_THAT(text, HasSubstr("See why nobody comes to the Release() at"));
}

TEST(OrphanedSemaphore, ARecursiveTakerIsToTakeOnce) {
  const std::string text = AllText(FirstOf(
      [] {
        auto units = Shared<Semaphore>(2);
        Go([units] {
          for (int i = 0; i < 3; ++i) units->Acquire(Background()).IgnoreError();
        });
      },
      "orphaned-lock"));
  EXPECT_THAT(text, HasSubstr("Take in one Acquire() what is taken at"));
}

// The units are for the tasks that it starts: those keep them, not the one that takes them.
TEST(SemaphoreCycle, UnitsTakenForOthersAreNotKept) {
  EXPECT_EQ(RulesOf([] {
              auto units = Shared<Semaphore>(1);
              Chan<int> never;
              Go([=] {
                units->Acquire(Background()).IgnoreError();
                Go([=] {
                  never.Send(1);
                  units->Release();
                });
                units->Acquire(Background()).IgnoreError();
              });
            }),
            "abandoned-send,orphaned-lock");
}

}  // namespace
}  // namespace stranded::detector
