// Counts what operations must not do: each row is stepped through instruction by instruction, and
// system calls, locked instructions and allocations are counted. The control rows do such a thing
// once each. Prints "row OPERATIONS SYSCALLS LOCKED ALLOCATIONS" for each; exit code 77 where
// stepping is not possible.
#include <stranded/stranded.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <new>

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#include <signal.h>
#include <unistd.h>

#include <atomic>

namespace {

// Relaxed: of the one thread that is stepped, and its signal handler.
std::atomic<bool> counting{false};
std::atomic<long> syscalls{0}, locked{0}, allocations{0};

void Count(std::atomic<long>& counter) {  // without a locked instruction of its own
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

bool IsPrefix(unsigned char byte) {
  switch (byte) {
    case 0x66:
    case 0x67:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x26:
    case 0x64:
    case 0x65:
    case 0xf2:
    case 0xf3: return true;
    default: return byte >= 0x40 && byte <= 0x4f;  // REX
  }
}

// Looks at the instruction that comes next.
void OnStep(int, siginfo_t*, void* context) {
  const auto& regs = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const auto* code = reinterpret_cast<const unsigned char*>(regs[REG_RIP]);
  bool lock = false;
  for (; IsPrefix(*code) || *code == 0xf0; ++code) lock |= *code == 0xf0;
  const bool exchange = (code[0] == 0x86 || code[0] == 0x87) && (code[1] >> 6) != 3;  // with memory
  const bool fence = code[0] == 0x0f && code[1] == 0xae && code[2] == 0xf0;           // mfence
  if (lock || exchange || fence) Count(locked);
  if (code[0] == 0x0f && code[1] == 0x05) Count(syscalls);
}

// The trap flag; below the stack pointer a function may keep something.
void Step(bool on) {
  if (on) {
    asm volatile("subq $128, %%rsp\n\tpushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\taddq $128, %%rsp" ::
                     : "memory", "cc");
  } else {
    asm volatile(
        "subq $128, %%rsp\n\tpushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq\n\taddq $128, %%rsp" ::
            : "memory", "cc");
  }
}

void* Allocate(std::size_t bytes) {
  if (counting.load(std::memory_order_relaxed)) Count(allocations);
  void* room = std::malloc(bytes);
  if (room == nullptr) throw std::bad_alloc();
  return room;
}

}  // namespace

void* operator new(std::size_t bytes) { return Allocate(bytes); }
void* operator new[](std::size_t bytes) { return Allocate(bytes); }
void operator delete(void* room) noexcept { std::free(room); }
void operator delete[](void* room) noexcept { std::free(room); }
void operator delete(void* room, std::size_t) noexcept { std::free(room); }
void operator delete[](void* room, std::size_t) noexcept { std::free(room); }

namespace {

using namespace stranded;  // NOLINT

// A step costs some ten microseconds on a virtual machine.
constexpr int kWarmUp = 5000, kCounted = 50;

// `run(n)` does n operations on the only worker of a pool.
void Row(const char* name, const std::function<void(int)>& run) {
  run(kWarmUp);
  for (std::atomic<long>* counter : {&syscalls, &locked, &allocations}) counter->store(0);
  counting.store(true, std::memory_order_relaxed);
  Step(true);
  run(kCounted);
  Step(false);
  counting.store(false, std::memory_order_relaxed);
  std::printf("%s %d %ld %ld %ld\n", name, kCounted, syscalls.load(), locked.load(),
              allocations.load());
}

void Controls() {
  std::atomic<long> shared{0};
  Row("control_syscall", [](int n) {
    for (int i = 0; i < n; ++i) getppid();
  });
  Row("control_locked", [&](int n) {
    for (int i = 0; i < n; ++i) shared.fetch_add(1);
  });
  Row("control_fence", [](int n) {
    for (int i = 0; i < n; ++i) asm volatile("mfence" ::: "memory");
  });
  Row("control_allocation", [](int n) {
    for (int i = 0; i < n; ++i) ::operator delete(::operator new(8));
  });
}

void Channels() {
  const Chan<int> buffered(128);
  Row("send_and_receive", [&](int n) {
    for (int i = 0; i < n; ++i) {
      buffered.Send(i);
      buffered.Recv();
    }
  });
  const Chan<int> there, back;
  const TaskHandle echo = Go([there, back] {
    for (const int i : there) back.Send(i);
  });
  Row("ping_pong", [&](int n) {
    for (int i = 0; i < n; ++i) {
      there.Send(i);
      back.Recv();
    }
  });
  const Chan<int> stop;
  Row("select_default", [&](int n) {
    for (int i = 0; i < n; ++i) Select(OnRecv(back), OnRecv(stop), Default([] {}));
  });
  Row("select_one_ready", [&](int n) {
    for (int i = 0; i < n; ++i) {
      buffered.Send(i);
      Select(OnRecv(buffered), OnRecv(stop));
    }
  });
  there.Close();
  echo.Join();
}

void Tasks() {
  Row("yield", [](int n) {
    WaitGroup two;
    for (int t = 0; t < 2; ++t) {
      two.Go([n] {
        for (int i = 0; i < n / 2; ++i) this_task::Yield();
      });
    }
    two.Wait();
  });
  WaitGroup group;
  Row("spawn_and_finish", [&](int n) {
    for (int i = 0; i < n; ++i) group.Go([] {});
    group.Wait();
  });
  Mutex mutex;
  Row("lock_and_unlock", [&](int n) {
    for (int i = 0; i < n; ++i) {
      mutex.Lock();
      mutex.Unlock();
    }
  });
}

void Contexts() {
  auto [ctx, end] = WithCancel(Background());
  Row("err_and_done", [&ctx = ctx](int n) {
    for (int i = 0; i < n; ++i) {
      if (!ctx.Err().ok() || ctx.Done().TryRecv().closed()) std::abort();
    }
  });
  Row("with_cancel", [&ctx = ctx](int n) {
    for (int i = 0; i < n; ++i) {
      auto [child, cancel] = WithCancel(ctx);
      cancel();
    }
  });
  end();
}

// A program may use the runtime before main; what it sets up then must be no slower for that.
Pool pool({.workers = 1, .name = "stepped"});
const bool started_early = [] {
  pool.Go([] {}).Join();
  return true;
}();

}  // namespace

int main() {
  struct sigaction step = {};
  step.sa_sigaction = &OnStep;
  step.sa_flags = SA_SIGINFO;
  sigaction(SIGTRAP, &step, nullptr);
  pool.Go([] {
        Controls();
        Channels();
        Tasks();
        Contexts();
      })
      .Join();
  return pool.Shutdown(absl::InfiniteDuration()).clean ? 0 : 1;
}

#else

int main() { return 77; }

#endif
