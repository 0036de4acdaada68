// Moby 27782: a log follower leaves its event loop to remove the watch, and waits for a broadcast
// that only the event producer could send, which waits for the follower.
#include <memory>
#include <set>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

enum class Op { kWrite, kIgnored };

class LogWatcher {
 public:
  void Close() {
    close_once_.Do([this] { close_notifier_.Close(); });
  }
  const Chan<Unit>& WatchClose() const { return close_notifier_; }

 private:
  Once close_once_;
  Chan<Unit> close_notifier_;
};

// `FollowLogs` reads a log until its watcher is closed.
template <void (*FollowLogs)(const LogWatcher&)>
class JsonFileLogger {
 public:
  static void ReadLogs(const std::shared_ptr<JsonFileLogger>& logger) {
    auto watcher = std::make_shared<LogWatcher>();
    Go([logger, watcher] { logger->ReadLogsOf(watcher); });
  }

  void Close() {
    MutexLock lock(mu_);
    for (const std::shared_ptr<LogWatcher>& reader : readers_) reader->Close();
    readers_.clear();
  }

 private:
  void ReadLogsOf(const std::shared_ptr<LogWatcher>& watcher) {
    mu_.Lock();
    readers_.insert(watcher);
    mu_.Unlock();
    FollowLogs(*watcher);
    mu_.Lock();
    readers_.erase(watcher);
    mu_.Unlock();
  }

  Mutex mu_;
  std::set<std::shared_ptr<LogWatcher>> readers_;
};

template <class Logger>
class Container {
 public:
  void InitializeStdio() {
    if (!StartLogging().ok()) Reset();
  }

 private:
  absl::Status StartLogging() {
    log_driver_ = std::make_shared<Logger>();
    Logger::ReadLogs(log_driver_);
    return absl::InternalError("cannot start the logger");
  }
  void Reset() {
    if (log_driver_ != nullptr) log_driver_->Close();
  }

  std::shared_ptr<Logger> log_driver_;
};

namespace leaky {

class Watcher {
 public:
  static std::shared_ptr<Watcher> Make() {
    auto watcher = std::make_shared<Watcher>();
    Go([watcher] { watcher->ReadEvents(); });
    return watcher;
  }

  const Chan<Op>& Events() const { return events_; }

  void Close() const {
    if (!IsClosed()) done_.Close();
  }

  void Remove() {
    MutexLock lock(mu_);
    const bool exists = true;
    while (exists) removed_.Wait();  // blocks: cond_wait
  }

 private:
  void ReadEvents() {
    absl::Cleanup close = [this] { events_.Close(); };
    bool done = false;
    while (!done && !IsClosed()) {
      const Op op = Op::kWrite;  // the log grows
      if (Ignore(op)) continue;
      Select(OnSend(events_, op), OnRecv(done_, [&] { done = true; }));  // blocks: select
    }
  }

  bool Ignore(Op op) {
    if (op == Op::kWrite) return false;
    MutexLock lock(mu_);
    removed_.Broadcast();
    return true;
  }

  bool IsClosed() const { return Select(OnRecv(done_), Default()) == 0; }

  Chan<Op> events_;
  Chan<Unit> done_;
  Mutex mu_;
  Cond removed_{mu_};
};

void FollowLogs(const LogWatcher& log_watcher) {
  auto file_watcher = Watcher::Make();
  absl::Cleanup close = [&file_watcher] { file_watcher->Close(); };
  const auto wait_read = [&] {
    Select(OnRecv(file_watcher->Events()), OnRecv(log_watcher.WatchClose(), [&] {
             file_watcher->Remove();  // fix: other:async_call
           }));
  };
  const auto handle_decode_error = [&] { wait_read(); };
  handle_decode_error();
}

using Logger = JsonFileLogger<&FollowLogs>;

void Run() {
  auto container = std::make_shared<Container<Logger>>();
  Go([container] { container->InitializeStdio(); });
}

}  // namespace leaky

namespace fixed {

class Watcher {
 public:
  static std::shared_ptr<Watcher> Make() {
    auto watcher = std::make_shared<Watcher>();
    Go([watcher] { watcher->ReadEvents(); });
    return watcher;
  }

  const Chan<Op>& Events() const { return events_; }

  void Close() const {
    if (!IsClosed()) done_.Close();
  }

  // The original's loop has no way out: here the watch is removed, and the event that says so, or
  // the end of all events, lets the caller go.
  void Remove() {
    MutexLock lock(mu_);
    removing_ = true;
    while (exists_) removed_.Wait();
  }

 private:
  void ReadEvents() {
    absl::Cleanup close = [this] {
      Ignore(Op::kIgnored);
      events_.Close();
    };
    bool done = false;
    while (!done && !IsClosed()) {
      const Op op = NextOp();
      if (Ignore(op)) continue;
      Select(OnSend(events_, op), OnRecv(done_, [&] { done = true; }));
    }
  }

  Op NextOp() {
    MutexLock lock(mu_);
    return removing_ && exists_ ? Op::kIgnored : Op::kWrite;
  }

  bool Ignore(Op op) {
    if (op == Op::kWrite) return false;
    MutexLock lock(mu_);
    exists_ = false;
    removed_.Broadcast();
    return true;
  }

  bool IsClosed() const { return Select(OnRecv(done_), Default()) == 0; }

  Chan<Op> events_;
  Chan<Unit> done_;
  Mutex mu_;
  Cond removed_{mu_};
  bool removing_ = false;
  bool exists_ = true;
};

// A task of its own removes the watch, while this one goes on reading events.
void FollowLogs(const LogWatcher& log_watcher) {
  auto file_watcher = Watcher::Make();
  auto [ctx, cancel] = WithCancel(Background());
  absl::Cleanup close = [&file_watcher, cancel = cancel] {
    file_watcher->Close();
    cancel();
  };
  Go(ctx, [file_watcher, watch_close = log_watcher.WatchClose(), ctx = ctx, cancel = cancel] {
    Select(OnRecv(watch_close,
                  [&] {
                    file_watcher->Remove();
                    cancel();
                  }),
           OnDone(ctx));
  });
  const auto wait_read = [&file_watcher, ctx = ctx] {
    Select(OnRecv(file_watcher->Events()), OnDone(ctx));
  };
  const auto handle_decode_error = [&] { wait_read(); };
  handle_decode_error();
}

using Logger = JsonFileLogger<&FollowLogs>;

void Run() {
  auto container = std::make_shared<Container<Logger>>();
  Go([container] { container->InitializeStdio(); });
}

}  // namespace fixed

const Registered kRegistered("moby27782", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
