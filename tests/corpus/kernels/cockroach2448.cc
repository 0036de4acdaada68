// CockroachDB 2448: the store hands a callback to the raft loop while the raft loop hands the store
// an event.
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

using Callback = std::function<void()>;

// Told when raft has committed a change of membership; runs in the store's task.
struct MembershipChangeCommitted {
  Callback callback;
};

struct Stopper {
  void Stop() const { done.Close(); }
  const Chan<Unit>& ShouldStop() const { return done; }
  Chan<Unit> done;
};

namespace leaky {

struct MultiRaft {
  void SendEvent(MembershipChangeCommitted event) const {
    Select(OnSend(events, std::move(event)),  // blocks: select // fix: other:queue
           OnRecv(stopper.ShouldStop()));
  }

  Stopper stopper;
  Chan<MembershipChangeCommitted> events;
  Chan<Callback> callbacks;
};

class State {
 public:
  explicit State(std::shared_ptr<MultiRaft> raft) : raft_(std::move(raft)) {}

  void Start() const {
    bool stopped = false;
    while (!stopped) {
      Select(OnRecv(raft_->stopper.ShouldStop(), [&] { stopped = true; }),
             OnRecv(raft_->callbacks,
                    [](std::optional<Callback> callback) {
                      if (callback) (*callback)();
                    }),
             Default([&] { HandleWriteResponse(); }));
    }
  }

 private:
  void HandleWriteResponse() const {
    raft_->SendEvent({[raft = raft_] {
      const Callback work = [] { this_task::SleepFor(absl::Nanoseconds(1)); };
      Select(OnSend(raft->callbacks, work),  // blocks: select
             OnRecv(raft->stopper.ShouldStop()));
    }});
  }

  std::shared_ptr<MultiRaft> raft_;
};

class Store {
 public:
  explicit Store(std::shared_ptr<MultiRaft> raft) : raft_(std::move(raft)) {}

  void ProcessRaft() const {
    bool stopped = false;
    while (!stopped) {
      Select(OnRecv(raft_->events,
                    [](std::optional<MembershipChangeCommitted> event) {
                      if (event && event->callback) event->callback();
                    }),
             OnRecv(raft_->stopper.ShouldStop(), [&] { stopped = true; }));
    }
  }

 private:
  std::shared_ptr<MultiRaft> raft_;
};

void Run() {
  auto raft = std::make_shared<MultiRaft>();
  const Store store(raft);
  const State state(raft);
  Go([store] { store.ProcessRaft(); });
  Go([state] { state.Start(); });
}

}  // namespace leaky

namespace fixed {

using Events = std::vector<MembershipChangeCommitted>;

struct MultiRaft {
  Stopper stopper;
  Chan<Events> events;
  Chan<Callback> callbacks;
  Chan<Unit> called_back{1};  // a callback has been run; the original has no such sign
};

// Offers its pending events and takes callbacks at the same time.
class State {
 public:
  explicit State(std::shared_ptr<MultiRaft> raft) : raft_(std::move(raft)) {}

  void Start() {
    bool stopped = false;
    while (!stopped) {
      if (pending_.empty()) HandleWriteResponse();
      Select(OnRecv(raft_->stopper.ShouldStop(), [&] { stopped = true; }),
             OnRecv(raft_->callbacks,
                    [](std::optional<Callback> callback) {
                      if (callback) (*callback)();
                    }),
             OnSend(raft_->events, pending_, [&] { pending_.clear(); }));
    }
  }

 private:
  void HandleWriteResponse() {
    pending_.push_back({[raft = raft_] {
      const Callback work = [raft] {
        this_task::SleepFor(absl::Nanoseconds(1));
        raft->called_back.TrySend(Unit{});
      };
      Select(OnSend(raft->callbacks, work), OnRecv(raft->stopper.ShouldStop()));
    }});
  }

  std::shared_ptr<MultiRaft> raft_;
  Events pending_;
};

class Store {
 public:
  explicit Store(std::shared_ptr<MultiRaft> raft) : raft_(std::move(raft)) {}

  void ProcessRaft() const {
    bool stopped = false;
    while (!stopped) {
      Select(OnRecv(raft_->events,
                    [](std::optional<Events> events) {
                      if (!events) return;
                      for (const MembershipChangeCommitted& event : *events) event.callback();
                    }),
             OnRecv(raft_->stopper.ShouldStop(), [&] { stopped = true; }));
    }
  }

 private:
  std::shared_ptr<MultiRaft> raft_;
};

// The original has no stop; this one works until a callback went all the way round.
void Run() {
  auto raft = std::make_shared<MultiRaft>();
  const Store store(raft);
  Go([store] { store.ProcessRaft(); });
  Go([state = State(raft)]() mutable { state.Start(); });
  raft->called_back.Recv();
  raft->stopper.Stop();
}

}  // namespace fixed

const Registered kRegistered("cockroach2448", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
