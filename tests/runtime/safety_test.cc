// What a task may rely on although it shares its thread with others.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <cfenv>
#include <stdexcept>
#include <string>
#include <thread>

#include "stranded/internal/check_support.h"
#include "stranded/stranded.h"

namespace stranded {
namespace {

// libunwind defines _Unwind_RaiseException as well; C++ exceptions must be served by libgcc.
TEST(Safety, CppExceptionsAreThoseOfLibgcc) {
  for (const char* name : {"_Unwind_RaiseException", "_Unwind_Resume", "_Unwind_ForcedUnwind"}) {
    void* symbol = dlsym(RTLD_DEFAULT, name);
    ASSERT_NE(symbol, nullptr) << name;
    Dl_info info{};
    ASSERT_NE(dladdr(symbol, &info), 0) << name;
    const std::string library = info.dli_fname;
    // AddressSanitizer stands before libgcc with a wrapper of its own.
    if (library.find("libasan") != std::string::npos) continue;
    EXPECT_NE(library.find("libgcc_s"), std::string::npos) << name << " is served by " << library;
  }
}

TEST(Safety, PthreadExitUnwindsAThread) {
  bool unwound = false;
  struct Guard {
    bool* flag;
    ~Guard() { *flag = true; }
  };
  pthread_t thread;
  ASSERT_EQ(pthread_create(
                &thread, nullptr,
                [](void* flag) -> void* {
                  Guard guard{static_cast<bool*>(flag)};
                  pthread_exit(nullptr);
                },
                &unwound),
            0);
  pthread_join(thread, nullptr);
  EXPECT_TRUE(unwound);
}

// The compiler takes errno's address for constant within a function, and a task may go on on
// another thread: so code that looks at errno on both sides of a park does it in functions of its
// own, or runs in a pinned task.
__attribute__((noinline)) int ReadErrno() {
  asm volatile("" ::: "memory");
  return errno;
}
__attribute__((noinline)) void WriteErrno(int value) {
  asm volatile("" ::: "memory");
  errno = value;
}

TEST(Safety, GivingWayKeepsErrno) {
  if (internal::InControlledWorld()) GTEST_SKIP() << "about pools";
  Pool pool({.workers = 1, .name = "one"});
  int kept = 0;
  pool.Go([&] {
        WaitGroup all;
        for (int i = 0; i < 100; ++i) {
          WriteErrno(1000 + i);
          all.Go([] { WriteErrno(7); });
          if (ReadErrno() == 1000 + i) ++kept;
          WriteErrno(2000 + i);
          this_task::Yield();
          if (ReadErrno() == 2000 + i) ++kept;
        }
        all.Wait();
      })
      .Join();
  EXPECT_EQ(kept, 200);
}

TEST(Safety, FloatingPointModesStayWithTheirTask) {
  constexpr int kModes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
  WaitGroup wg;
  std::atomic<int> kept{0};
  for (const int mode : kModes) {
    wg.Go([mode, &kept] {
      std::fesetround(mode);
      for (int i = 0; i < 10; ++i) {
        this_task::Yield();
        if (std::fegetround() == mode) ++kept;
      }
    });
  }
  wg.Wait();
  EXPECT_EQ(kept, 40);
  EXPECT_EQ(std::fegetround(), FE_TONEAREST);
}

TEST(Safety, ErrnoStaysWithItsTask) {
  WaitGroup wg;
  for (int i = 1; i <= 8; ++i) {
    wg.Go([i] {
      for (int round = 0; round < 50; ++round) {
        WriteErrno(i);
        this_task::SleepFor(absl::Microseconds(10));
        EXPECT_EQ(ReadErrno(), i);
      }
    });
  }
  wg.Wait();
}

// A task parks inside a catch block while others throw and catch on the same thread.
TEST(Safety, CaughtExceptionsStayWithTheirTask) {
  WaitGroup wg;
  for (int i = 0; i < 8; ++i) {
    wg.Go([i] {
      for (int round = 0; round < 20; ++round) {
        try {
          throw std::runtime_error(std::to_string(i));
        } catch (const std::runtime_error&) {
          this_task::SleepFor(absl::Microseconds(10));
          try {
            throw;  // the one this task caught, not another's
          } catch (const std::runtime_error& again) {
            EXPECT_EQ(again.what(), std::to_string(i));
          }
        }
        EXPECT_EQ(std::uncaught_exceptions(), 0);
      }
    });
  }
  wg.Wait();
}

// A destructor that parks while its task unwinds.
TEST(Safety, AParkDuringUnwindingIsSeenByItsTaskOnly) {
  struct Parks {
    ~Parks() {
      EXPECT_EQ(std::uncaught_exceptions(), 1);
      this_task::SleepFor(absl::Microseconds(50));
      EXPECT_EQ(std::uncaught_exceptions(), 1);
    }
  };
  TaskHandle unwinding = Go([] {
    try {
      Parks parks;
      throw std::runtime_error("unwinds");
    } catch (const std::runtime_error&) {
    }
  });
  TaskHandle other = Go([] {
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(std::uncaught_exceptions(), 0);
      this_task::Yield();
    }
  });
  unwinding.Join();
  other.Join();
}

TEST(Safety, ALargeFrameFitsTheDefaultStack) {
  TaskHandle task = Go([] {
    volatile char room[128 * 1024];
    for (std::size_t i = 0; i < sizeof room; i += 4096) room[i] = 1;
    EXPECT_EQ(room[4096], 1);
  });
  task.Join();
}

TEST(Safety, AThreadThatBlocksIsAdopted) {
  Chan<int> c;
  TaskId adopted;
  std::thread thread([&] {
    c.Send(7);
    adopted = this_task::Id();
  });
  EXPECT_EQ(c.Recv(), 7);
  thread.join();
  EXPECT_NE(adopted.value, 0U);
  EXPECT_NE(adopted, this_task::Id());
}

}  // namespace
}  // namespace stranded
