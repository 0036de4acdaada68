#include "detector/go/waits.h"

#include <algorithm>
#include <array>

namespace stranded::detector {
namespace {

using Kind = GoWaitKind;

struct Named {
  std::string_view name;
  Kind kind;
};

constexpr std::array kStates = std::to_array<Named>({
    {"chan send", Kind::kSend},
    {"chan receive", Kind::kReceive},
    {"chan send (nil chan)", Kind::kSendNil},
    {"chan receive (nil chan)", Kind::kReceiveNil},
    {"select", Kind::kSelect},
    {"select (no cases)", Kind::kSelectEmpty},
    {"sync.Mutex.Lock", Kind::kLock},
    {"sync.RWMutex.RLock", Kind::kReadLock},
    {"sync.RWMutex.Lock", Kind::kWriteLock},
    {"sync.WaitGroup.Wait", Kind::kWaitGroup},
    {"sync.Cond.Wait", Kind::kCond},
    {"IO wait", Kind::kIo},
    {"sleep", Kind::kSleep},
    {"syscall", Kind::kSyscall},
    {"running", Kind::kRunning},
    {"runnable", Kind::kRunning},
    {"copystack", Kind::kRunning},
    {"preempted", Kind::kRunning},
    {"idle", Kind::kSystem},
    {"dead", Kind::kSystem},
    {"finalizer wait", Kind::kSystem},
    {"cleanup wait", Kind::kSystem},
    {"force gc (idle)", Kind::kSystem},
    {"trace reader (blocked)", Kind::kSystem},
    {"GOMAXPROCS updater (idle)", Kind::kSystem},
});

// What a frame says of the wait; innermost first, the first that says anything decides.
constexpr std::array kFrames = std::to_array<Named>({
    {"runtime.chansend1", Kind::kSend},
    {"runtime.chansend", Kind::kSend},
    {"runtime.chanrecv", Kind::kReceive},
    {"runtime.chanrecv1", Kind::kReceive},
    {"runtime.chanrecv2", Kind::kReceive},
    {"runtime.selectgo", Kind::kSelect},
    {"runtime.block", Kind::kSelectEmpty},
    {"runtime.netpollblock", Kind::kIo},
    {"internal/poll.runtime_pollWait", Kind::kIo},
    {"time.Sleep", Kind::kSleep},
    {"runtime.timeSleep", Kind::kSleep},
    {"os/signal.signal_recv", Kind::kSyscall},
    {"os/signal.loop", Kind::kSyscall},
    {"syscall.Syscall", Kind::kSyscall},
    {"syscall.Syscall6", Kind::kSyscall},
    {"syscall.RawSyscall6", Kind::kSyscall},
    {"runtime.cgocall", Kind::kSyscall},
    {"sync.(*Cond).Wait", Kind::kCond},
    {"sync.(*WaitGroup).Wait", Kind::kWaitGroup},
    {"sync.(*RWMutex).RLock", Kind::kReadLock},
    {"sync.(*RWMutex).Lock", Kind::kWriteLock},
    {"sync.runtime_SemacquireRWMutexR", Kind::kReadLock},
    {"sync.runtime_SemacquireRWMutex", Kind::kWriteLock},
    {"sync.(*Mutex).Lock", Kind::kLock},
    {"sync.(*Mutex).lockSlow", Kind::kLock},
    {"internal/sync.(*Mutex).lockSlow", Kind::kLock},
    {"runtime/pprof.writeGoroutine", Kind::kRunning},
    {"runtime/pprof.writeGoroutineStacks", Kind::kRunning},
    {"runtime/pprof.writeRuntimeProfile", Kind::kRunning},
    {"runtime/pprof.runtime_goroutineProfileWithLabels", Kind::kRunning},
    {"runtime/pprof.pprof_goroutineProfileWithLabels", Kind::kRunning},
    {"runtime.goroutineProfileWithLabels", Kind::kRunning},
    {"runtime.Stack", Kind::kRunning},
});

// Functions below which goroutines of libraries wait for work as they should.
constexpr std::array kIdle = std::to_array<std::string_view>({
    "database/sql.(*DB).connectionOpener",
    "database/sql.(*DB).connectionCleaner",
    "database/sql.(*DB).connectionResetter",
    "database/sql.(*Tx).awaitDone",
    "net/http.(*persistConn).",
    "net/http.(*conn).serve",
    "net/http.(*connReader).backgroundRead",
    "net/http.(*Server).Serve",
    "net/http.(*http2",
    "net/http.(*Transport).",
    "golang.org/x/net/http2.",
    "google.golang.org/grpc",
    "go.opencensus.io/stats/view.(*worker).start",
    "go.opentelemetry.io/otel/sdk",
    "github.com/golang/glog.",
    "k8s.io/klog",
    "os/signal.",
    "os/exec.(*Cmd).watchCtx",
    "os/exec.(*Cmd).Start",
    "context.propagateCancel",
    "context.(*cancelCtx).propagateCancel",
    "testing.(*T).Run",
    "testing.(*T).Parallel",
    "testing.(*M).",
    "testing.tRunner",
    "testing.runTests",
    "runtime.gcBgMarkWorker",
    "runtime.bgsweep",
    "runtime.bgscavenge",
    "runtime.forcegchelper",
    "runtime.runfinq",
    "runtime.runFinalizers",
    "runtime.runCleanups",
    "runtime.ensureSigM",
    "runtime.ReadTrace",
    "runtime/trace.Start",
    "runtime/pprof.profileWriter",
    "log/syslog.",
    "internal/singleflight.",
    "github.com/desertbit/timer.timerRoutine",
    "github.com/rcrowley/go-metrics.",
    "go.uber.org/zap/zapcore.(*BufferedWriteSyncer).",
    "gopkg.in/natefinch/lumberjack",
});

bool Runtime(std::string_view f) {
  return f.starts_with("runtime.") || f.starts_with("internal/runtime/");
}

Kind FromState(std::string_view state) {
  if (state.starts_with("GC ") || state.starts_with("garbage collection")) return Kind::kSystem;
  const auto* it =
      std::find_if(kStates.begin(), kStates.end(), [&](const Named& n) { return n.name == state; });
  return it == kStates.end() ? Kind::kOther : it->kind;
}

Kind FromFrames(const GoDumps& all, const GoGroup& group) {
  Kind semaphore = Kind::kOther;
  for (const std::uint32_t frame : group.frames) {
    const std::string_view f = all.Function(frame);
    const auto* it =
        std::find_if(kFrames.begin(), kFrames.end(), [&](const Named& n) { return n.name == f; });
    if (it != kFrames.end()) {
      // (*RWMutex).Lock locks a Mutex first; the outer call is what the user wrote.
      if (it->kind == Kind::kLock || it->kind == Kind::kReadLock || it->kind == Kind::kWriteLock) {
        semaphore = it->kind;
        continue;
      }
      return it->kind;
    }
    // Its lock is held while the function given to it runs.
    if (semaphore == Kind::kLock && f == "sync.(*Once).doSlow") return Kind::kOnce;
    if (!IsStandardLibrary(f)) break;
  }
  return semaphore;
}

// debug=1 leaves the runtime's innermost frames out, but not their addresses.
Kind FromHidden(const GoGroup& group) {
  if (group.hidden_frames == 3) return Kind::kChannel;  // gopark, chansend, chansend1
  if (group.hidden_frames == 2) return Kind::kSelect;   // gopark, selectgo; or an empty select
  return Kind::kOther;
}

bool AllRuntime(const GoDumps& all, const GoGroup& group) {
  if (group.frames.empty()) return true;
  return std::all_of(group.frames.begin(), group.frames.end(), [&](std::uint32_t frame) {
    return Runtime(all.Function(frame)) && all.Function(frame) != "runtime.main" &&
           all.Function(frame) != "runtime.goexit";
  });
}

bool IdleFunction(std::string_view f) {
  return std::any_of(kIdle.begin(), kIdle.end(),
                     [&](std::string_view idle) { return f.starts_with(idle); });
}

// Where libraries wait: decided by the frames up to the user's first one, and by the creator if the
// user has no frame in it.
bool LibraryIdle(const GoDumps& all, const GoGroup& group) {
  bool user = false;
  for (const std::uint32_t frame : group.frames) {
    const std::string_view f = all.Function(frame);
    if (IdleFunction(f)) return true;
    if (IsStandardLibrary(f)) continue;
    user = true;
    break;
  }
  return !user && group.creator != 0 && IdleFunction(all.Function(group.creator));
}

}  // namespace

bool IsStandardLibrary(std::string_view function) {
  if (function.starts_with("main.")) return false;
  // A package path of the standard library has no dot before its first slash.
  const std::size_t slash = function.find('/');
  if (slash != function.npos) {
    const std::string_view first = function.substr(0, slash);
    static constexpr std::array kTrees = std::to_array<std::string_view>(
        {"runtime",  "internal", "os",        "net",  "database", "encoding", "log",
         "crypto",   "text",     "html",      "go",   "testing",  "io",       "vendor",
         "compress", "archive",  "container", "mime", "path",     "debug",    "image",
         "index",    "regexp",   "unicode",   "math", "hash"});
    return std::find(kTrees.begin(), kTrees.end(), first) != kTrees.end();
  }
  const std::string_view package = function.substr(0, function.find('.'));
  static constexpr std::array kPackages = std::to_array<std::string_view>(
      {"runtime", "sync",  "time",  "net",     "os",   "io",     "syscall", "context",
       "testing", "bufio", "bytes", "strings", "fmt",  "log",    "reflect", "errors",
       "sort",    "panic", "iter",  "slices",  "maps", "expvar", "flag"});
  return std::find(kPackages.begin(), kPackages.end(), package) != kPackages.end();
}

namespace {

// Of a stack without a frame of the user's.
std::uint32_t Outermost(const GoDumps& all, const GoGroup& group) {
  for (auto it = group.frames.rbegin(); it != group.frames.rend(); ++it) {
    if (!Runtime(all.Function(*it))) return *it;
  }
  return group.frames.empty() ? 0 : group.frames.front();
}

}  // namespace

GoWait ClassifyGo(const GoDumps& all, const GoGroup& group) {
  GoWait wait;
  const std::string_view state = all.strings[group.state];
  if (!state.empty()) {
    wait.kind = FromState(state);
    if (state == "semacquire" || state == "leaked" || state == "waiting" ||
        state == "sync.Mutex.Lock") {
      const Kind told = FromFrames(all, group);
      if (told != Kind::kOther) wait.kind = told;
    }
  } else {
    wait.kind = FromFrames(all, group);
    if (wait.kind == Kind::kOther) wait.kind = FromHidden(group);
  }
  if (wait.kind != Kind::kRunning && AllRuntime(all, group)) wait.kind = Kind::kSystem;
  for (const std::uint32_t frame : group.frames) {
    if (IsStandardLibrary(all.Function(frame))) continue;
    wait.site = frame;
    break;
  }
  if (wait.site == 0) wait.site = Outermost(all, group);
  wait.library_idle = LibraryIdle(all, group);
  return wait;
}

bool BlockedGo(GoWaitKind kind) { return kind >= Kind::kSend && kind <= Kind::kOnce; }

std::string GoWaitText(GoWaitKind kind) {
  switch (kind) {
    case Kind::kSend: return "sending on a channel";
    case Kind::kReceive: return "receiving from a channel";
    case Kind::kChannel: return "sending on a channel or receiving from it";
    case Kind::kSendNil: return "sending on a nil channel";
    case Kind::kReceiveNil: return "receiving from a nil channel";
    case Kind::kSelect: return "in a select";
    case Kind::kSelectEmpty: return "in a select without cases";
    case Kind::kLock: return "locking a Mutex";
    case Kind::kReadLock: return "read-locking an RWMutex";
    case Kind::kWriteLock: return "locking an RWMutex";
    case Kind::kWaitGroup: return "waiting for a WaitGroup";
    case Kind::kCond: return "waiting for a Cond";
    case Kind::kOnce: return "waiting for a Once";
    case Kind::kIo: return "waiting for input or output";
    case Kind::kSleep: return "sleeping";
    case Kind::kSyscall: return "in a system call";
    default: return "blocked";
  }
}

std::string GoWaitName(GoWaitKind kind) {
  switch (kind) {
    case Kind::kSend:
    case Kind::kSendNil: return "send";
    case Kind::kReceive:
    case Kind::kReceiveNil: return "receive";
    case Kind::kChannel: return "channel";
    case Kind::kSelect:
    case Kind::kSelectEmpty: return "select";
    case Kind::kLock: return "lock";
    case Kind::kReadLock: return "read lock";
    case Kind::kWriteLock: return "write lock";
    case Kind::kWaitGroup: return "wait";
    case Kind::kCond: return "condition";
    case Kind::kOnce: return "once";
    case Kind::kSleep: return "sleep";
    default: return "blocked";
  }
}

WaitKind NativeWait(GoWaitKind kind) {
  switch (kind) {
    case Kind::kSend: return WaitKind::kChanSend;
    case Kind::kReceive: return WaitKind::kChanRecv;
    case Kind::kChannel: return WaitKind::kChannel;
    case Kind::kSendNil: return WaitKind::kChanSendNil;
    case Kind::kReceiveNil: return WaitKind::kChanRecvNil;
    case Kind::kSelect: return WaitKind::kSelect;
    case Kind::kSelectEmpty: return WaitKind::kSelectEmpty;
    case Kind::kLock: return WaitKind::kMutexLock;
    case Kind::kReadLock: return WaitKind::kRwMutexRLock;
    case Kind::kWriteLock: return WaitKind::kRwMutexLock;
    case Kind::kWaitGroup: return WaitKind::kWaitGroupWait;
    case Kind::kCond: return WaitKind::kCondWait;
    case Kind::kOnce: return WaitKind::kOnceWait;
    case Kind::kSleep: return WaitKind::kSleep;
    case Kind::kIo: return WaitKind::kIo;
    case Kind::kSyscall: return WaitKind::kBlockingRegion;
    default: return WaitKind::kNone;
  }
}

SourceSite GoSite(const GoDumps& all, std::uint32_t frame) {
  SourceSite site;
  if (frame >= all.frames.size()) return site;
  site.file = std::string(all.File(frame));
  site.function = std::string(all.Function(frame));
  site.line = all.frames[frame].line;
  return site;
}

}  // namespace stranded::detector
