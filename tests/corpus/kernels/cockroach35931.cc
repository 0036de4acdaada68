// CockroachDB 35931: cancelling a flow pushes to its streams one after the other and stops at the
// first full one.
#include <cstddef>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

class RowReceiver {
 public:
  virtual ~RowReceiver() = default;
  virtual void Push() const = 0;
};
using Receivers = std::vector<std::shared_ptr<const RowReceiver>>;

struct InboundStream {
  std::shared_ptr<const RowReceiver> receiver;
};
using InboundStreams = std::map<int, InboundStream>;

namespace leaky {

class RowChannel final : public RowReceiver {
 public:
  explicit RowChannel(std::size_t rows) : data_(rows) {}
  void Push() const override {
    data_.Send(Unit{});  // blocks: chan_send
  }

 private:
  Chan<Unit> data_;
};

class Flow;

struct FlowEntry {
  const Flow* flow = nullptr;
  InboundStreams streams;
};

struct FlowRegistry {
  void RegisterFlow(const Flow& flow, InboundStreams streams);
  FlowEntry& EntryLocked(int id) { return flows[id]; }
  Receivers CancelPendingStreamsLocked(int id) {
    Receivers pending;
    for (const auto& [stream, info] : EntryLocked(id).streams) pending.push_back(info.receiver);
    return pending;
  }

  Mutex mu;
  std::map<int, FlowEntry> flows;
};

class Flow {
 public:
  Flow(int id, FlowRegistry& registry) : id_(id), registry_(registry) {}
  int id() const { return id_; }

  void Cancel() const {
    registry_.mu.Lock();
    const Receivers timed_out = registry_.CancelPendingStreamsLocked(id_);
    registry_.mu.Unlock();
    for (const auto& receiver : timed_out) receiver->Push();  // fix: other:async_call
  }

 private:
  const int id_;
  FlowRegistry& registry_;
};

void FlowRegistry::RegisterFlow(const Flow& flow, InboundStreams streams) {
  FlowEntry& entry = EntryLocked(flow.id());
  entry.flow = &flow;
  entry.streams = std::move(streams);
}

void Run() {
  FlowRegistry registry;
  auto left = std::make_shared<RowChannel>(1);
  auto right = std::make_shared<RowChannel>(1);
  left->Push();
  const Flow flow(0, registry);
  registry.RegisterFlow(flow, {{0, {left}}, {1, {right}}});
  flow.Cancel();
}

}  // namespace leaky

namespace fixed {

class RowChannel final : public RowReceiver {
 public:
  explicit RowChannel(std::size_t rows) : data_(rows) {}
  void Push() const override { data_.Send(Unit{}); }
  void Next() const { data_.Recv(); }

 private:
  Chan<Unit> data_;
};

class Flow;

struct FlowEntry {
  const Flow* flow = nullptr;
  InboundStreams streams;
};

struct FlowRegistry {
  void RegisterFlow(const Flow& flow, InboundStreams streams);
  FlowEntry& EntryLocked(int id) { return flows[id]; }
  Receivers CancelPendingStreamsLocked(int id) {
    Receivers pending;
    for (const auto& [stream, info] : EntryLocked(id).streams) pending.push_back(info.receiver);
    return pending;
  }

  Mutex mu;
  std::map<int, FlowEntry> flows;
};

class Flow {
 public:
  Flow(int id, FlowRegistry& registry) : id_(id), registry_(registry) {}
  int id() const { return id_; }

  void Cancel() const {
    registry_.mu.Lock();
    const Receivers timed_out = registry_.CancelPendingStreamsLocked(id_);
    registry_.mu.Unlock();
    for (const auto& receiver : timed_out) Go([receiver] { receiver->Push(); });
  }

 private:
  const int id_;
  FlowRegistry& registry_;
};

void FlowRegistry::RegisterFlow(const Flow& flow, InboundStreams streams) {
  FlowEntry& entry = EntryLocked(flow.id());
  entry.flow = &flow;
  entry.streams = std::move(streams);
}

// The original reads neither stream; here both rows of the left one are read, as its consumer
// would.
void Run() {
  FlowRegistry registry;
  auto left = std::make_shared<RowChannel>(1);
  auto right = std::make_shared<RowChannel>(1);
  left->Push();
  const Flow flow(0, registry);
  registry.RegisterFlow(flow, {{0, {left}}, {1, {right}}});
  flow.Cancel();
  for (int i = 0; i < 2; ++i) left->Next();
}

}  // namespace fixed

const Registered kRegistered("cockroach35931", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
