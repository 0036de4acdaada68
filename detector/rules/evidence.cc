#include "detector/rules/evidence.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace stranded::detector {

const char* ContextKindText(ContextKind kind) {
  switch (kind) {
    case ContextKind::kBackground: return "Background";
    case ContextKind::kTodo: return "TODO";
    case ContextKind::kCancel: return "WithCancel";
    case ContextKind::kDeadline: return "WithDeadline";
    case ContextKind::kTimeout: return "WithTimeout";
    case ContextKind::kValue: return "WithValue";
    case ContextKind::kWithoutCancel: return "WithoutCancel";
    case ContextKind::kUnknown: break;
  }
  return "context";
}

namespace {

constexpr std::size_t kMostSteps = 64;

}  // namespace

ContextStep DescribeContext(const Situation& s, const Context& c) {
  ContextStep step;
  step.id = c.id;
  step.kind = ContextKindText(c.kind);
  step.site = SiteText(s, c.site);
  if (c.creator_task != 0) step.created_by = TaskText(s, c.creator_task);
  step.deadline_ns = c.deadline_ns;
  if (c.value_printable) step.value = std::string(c.value_text);
  step.key_type = TypeText(c.key_type);
  if (c.err == ContextErr::kNone) return step;
  step.ended = true;
  step.origin = c.ended_origin == c.id || c.ended_origin == 0;
  step.err = c.err == ContextErr::kCancelled ? "cancelled" : "deadline exceeded";
  if (c.cause != "context canceled" && c.cause != "context deadline exceeded") {
    step.cause = std::string(c.cause);
  }
  step.ended_ns = c.ended_ns;
  step.ended_ago_ns = std::max<std::int64_t>(0, s.snap().NowFor(c) - c.ended_ns);
  step.ended_by = c.ended_by_task == 0 ? "its timer" : TaskText(s, c.ended_by_task);
  step.ended_site = SiteText(s, c.ended_site);
  return step;
}

namespace {

std::string Creator(const Situation& s, Id id) {
  if (id == 0) return "";
  const Task* task = s.snap().tasks.Find(id);
  const SpawnNode* spawn = task == nullptr ? nullptr : s.snap().spawns.Find(task->spawn);
  const bool spawned = spawn != nullptr && s.dump().SiteOf(spawn->site).line != 0;
  return absl::StrCat(TaskText(s, id),
                      spawned ? absl::StrCat(", spawned at ", Place(s, spawn->site)) : "");
}

}  // namespace

ChannelFacts DescribeChannel(const Situation& s, const Channel& c) {
  ChannelFacts f;
  f.id = c.id;
  f.site = SiteText(s, c.site);
  f.created_by = Creator(s, c.creator_task);
  f.elem_type = TypeText(c.elem_type);
  f.capacity = c.capacity;
  f.length = c.length;
  f.high_water = c.high_water;
  f.sends_started = c.sends_started;
  f.sends_completed = c.sends_completed;
  f.recvs_started = c.recvs_started;
  f.recvs_completed = c.recvs_completed;
  f.waiting_senders = c.waiting_senders;
  f.waiting_receivers = c.waiting_receivers;
  f.closed = c.closed;
  return f;
}

std::vector<ContextStep> DescribeContexts(const Situation& s, const Task& task) {
  std::vector<ContextStep> steps;
  const Context* c = s.snap().contexts.Find(task.context);
  while (c != nullptr && steps.size() < kMostSteps) {
    steps.push_back(DescribeContext(s, *c));
    c = s.snap().contexts.Find(c->parent);
  }
  return steps;
}

std::vector<SpawnStep> DescribeAncestry(const Situation& s, const Task& task) {
  std::vector<SpawnStep> steps;
  const SpawnNode* node = s.snap().spawns.Find(task.spawn);
  while (node != nullptr && steps.size() < kMostSteps) {
    SpawnStep step;
    step.task = node->task;
    step.name = absl::StrCat("task ", node->task);
    if (!node->name.empty()) absl::StrAppend(&step.name, " \"", std::string(node->name), "\"");
    step.site = SiteText(s, node->site);
    step.elided = node->elided;
    steps.push_back(std::move(step));
    node = s.snap().spawns.Find(node->parent);
  }
  return steps;
}

namespace {

std::string Traffic(const Channel& channel) {
  if (channel.role != ChannelRole::kUser) return "";
  return absl::StrCat(" (", channel.sends_completed, " sent, ", channel.recvs_completed,
                      " received", channel.closed ? ", closed)" : ")");
}

std::string CaseText(const Situation& s, const WaitCase& c) {
  if (c.op == CaseOp::kDone) return "done case of a context that has not ended";
  const std::string op = c.op == CaseOp::kSend ? "send on " : "receive from ";
  const Channel* channel = s.snap().channels.Find(c.channel);
  if (c.channel == 0) return op + "a nil channel";
  if (channel == nullptr) return op + ChannelText(channel);
  return absl::StrCat(op, ChannelText(channel), " made at ", Place(s, channel->site),
                      Traffic(*channel));
}

}  // namespace

std::vector<std::string> DescribeCases(const Situation& s, const Task& task) {
  constexpr std::uint32_t kShown = 16;
  std::vector<std::string> cases;
  for (std::uint32_t i = 0; i < std::min<std::uint32_t>(task.case_count, kShown); ++i) {
    const WaitCase& c = s.snap().cases[task.first_case + i];
    cases.push_back(absl::StrCat("case ", i, ": ", CaseText(s, c), ", at ", Place(s, c.site)));
  }
  return cases;
}

std::vector<std::string> DescribePeer(const Situation& s, const Task& task,
                                      const Channel& channel) {
  if (channel.role != ChannelRole::kUser) return {};
  bool sends = task.wait == WaitKind::kChanSend;
  for (std::uint32_t i = 0; i < task.case_count && !sends; ++i) {
    const WaitCase& c = s.snap().cases[task.first_case + i];
    sends = c.channel == channel.id && c.op == CaseOp::kSend;
  }
  const Peer& peer = sends ? channel.last_receiver : channel.last_sender;
  const char* verb = sends ? "receive" : "send";
  const char* past = sends ? "received from" : "sent on";
  if (peer.outcome == PeerOutcome::kNone || (peer.task == 0 && peer.site == 0)) {
    return {NotNoted(channel, !sends)
                ? absl::StrCat("Who has ", past, " this channel was not noted: record=off.")
                : absl::StrCat("Nobody has ever ", past, " this channel.")};
  }
  const std::string who = TaskText(s, peer.task);
  const std::string at = Place(s, peer.site);
  if (peer.outcome == PeerOutcome::kLeft) {
    std::string how;
    switch (peer.left_op) {
      case CaseOp::kDone: how = "chose the done case"; break;
      case CaseOp::kDefault: how = "went on without waiting"; break;
      default: how = "chose another case"; break;
    }
    std::string text = absl::StrCat(who, " was to ", verb, " at ", at, ", but ", how);
    if (peer.left_op != CaseOp::kDefault) absl::StrAppend(&text, " at ", Place(s, peer.left_site));
    if (const Context* c = s.snap().contexts.Find(peer.left_context)) {
      absl::StrAppend(&text, " (context made at ", Place(s, c->site), ")");
    }
    return {absl::StrCat(text, "; ", Present(s, peer.task, " without this channel"), ".")};
  }
  const char* outcome =
      peer.outcome == PeerOutcome::kSawClosed ? " and found the channel closed" : "";
  return {absl::StrCat("The last to ", verb, " was ", who, " at ", at, outcome, "; ",
                       Present(s, peer.task, " without this channel"), ".")};
}

const SpawnNode* SpawnOf(const Situation& s, Id task) {
  const Task* found = s.snap().tasks.Find(task);
  return found == nullptr ? nullptr : s.snap().spawns.Find(found->spawn);
}

bool StartedAlike(const Situation& s, Id a, Id b) {
  const SpawnNode *one = SpawnOf(s, a), *other = SpawnOf(s, b);
  return one != nullptr && other != nullptr && one->site != 0 && one->site == other->site;
}

}  // namespace stranded::detector
