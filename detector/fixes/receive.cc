// What helps a receiver to whom nobody sends any more.
#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/fixes/give_back.h"
#include "detector/fixes/traffic.h"
#include "detector/rules/wait_chain.h"

namespace stranded::detector {
namespace {

// A timer's channel is a Receiver: nobody can close it.
void ProposeForTick(const Situation& s, const Group& group, const Channel& channel,
                    FindingData& out) {
  const Task& task = *group.tasks.front();
  if (channel.timer_stopped) {
    out.notes.push_back(absl::StrCat("Stop() was called on the timer made at ",
                                     Place(s, channel.site),
                                     ". It ends the ticks, but does not close their channel."));
  } else if (!channel.timer_armed) {
    out.notes.push_back(absl::StrCat("The timer made at ", Place(s, channel.site),
                                     " is not armed: it does not tick again unless it is reset, "
                                     "and its channel is never closed."));
  }
  ProposeContextCase(s, group, out);
  if (!channel.timer_stopped || !task.range) return;
  const SourceSite site = SiteText(s, task.wait_site);
  out.fixes.push_back(
      SimpleFix(FixKind::kStopTask, site,
                absl::StrCat("End the loop at ", site.ToString(), " before the timer is stopped."),
                "After Stop() nothing wakes it any more."));
}

}  // namespace

namespace {

// Whoever should close may wait for the receivers to end their loops.
std::string WhenToClose(const Situation& s, const Channel& channel) {
  const Peer& sender = channel.last_sender;
  std::string when = absl::StrCat("after the sends at ", Place(s, sender.site));
  const Task* task = s.snap().tasks.Find(sender.task);
  if (SeveralSend(s, channel)) return when;  // it may wait for the others
  if (task == nullptr || !s.Blocked(*task) || s.ChannelOf(*task) == &channel) return when;
  if (task->wait != WaitKind::kWaitGroupWait && task->wait != WaitKind::kJoin) return when;
  return absl::StrCat(when, " and before the wait at ", Place(s, task->wait_site));
}

}  // namespace

void ProposeClose(const Situation& s, const Group& group, FindingData& out) {
  const Task& task = *group.tasks.front();
  const Channel* channel = s.ChannelOf(task);
  if (channel == nullptr || channel->role != ChannelRole::kUser) return;
  const Peer& sender = channel->last_sender;
  const SourceSite site = SiteText(s, channel->site);
  std::string summary =
      sender.task == 0
          ? absl::StrCat("Close the channel made at ", Place(s, channel->site),
                         " when nothing more will be sent.")
          : absl::StrCat("Call Close() on the channel made at ", site.ToString(),
                         " when its last sender is done, ", WhenToClose(s, *channel), ".");
  Fix fix =
      SimpleFix(FixKind::kCloseChannel, site, std::move(summary),
                task.range ? "A receive on a closed channel returns: every receiver ends its loop."
                           : "A receive on a closed channel returns, without a value.");
  if (SeveralSend(s, *channel)) {
    fix.warnings.push_back(
        "Several tasks send here: close once, after all of them have finished "
        "(for example behind a WaitGroup).");
  }
  out.fixes.push_back(std::move(fix));
}

void ProposeStuckSender(const Situation& s, const Group& group, FindingData& out) {
  const Task& task = *group.tasks.front();
  const Channel* const channel = s.ChannelOf(task);
  if (channel == nullptr || channel->last_sender.outcome != PeerOutcome::kCompleted) return;
  const Task* const sender = s.snap().tasks.Find(channel->last_sender.task);
  if (sender == nullptr || sender->id == task.id || !s.Blocked(*sender)) return;
  if (s.ChannelOf(*sender) == channel) return;            // it waits for what it sends itself
  if (sender->is_main || WaitsInCircle(s, task)) return;  // then none comes first
  const SourceSite at = SiteText(s, sender->wait_site);
  out.fixes.push_back(
      SimpleFix(FixKind::kStopTask, at,
                absl::StrCat("Look first at ", at.ToString(),
                             ": the task that was the last to send here is blocked there itself, ",
                             WaitText(s.snap(), *sender), "."),
                "When it can go on it may send again, or close this channel."));
}

void ProposeClosingStop(const Situation& s, const Group& group, FindingData& out) {
  const Task& task = *group.tasks.front();
  for (std::uint32_t i = 0; i < task.case_count; ++i) {
    const WaitCase& c = s.snap().cases[task.first_case + i];
    const Channel* channel = s.snap().channels.Find(c.channel);
    if (c.op != CaseOp::kRecv || channel == nullptr || channel->role != ChannelRole::kUser)
      continue;
    if (channel->elem_type != "stranded::Unit" || channel->closed) continue;
    // More values than tasks: rather a wake-up.
    const std::size_t left = group.count;
    if (channel->recvs_completed == 0 || channel->recvs_completed > left) continue;
    const SourceSite site = SiteText(s, channel->site);
    out.fixes.push_back(SimpleFix(
        FixKind::kCloseChannel, site,
        absl::StrCat("If the channel made at ", site.ToString(),
                     " is to stop all that listen to it, Close() it instead of sending at ",
                     Place(s, channel->last_sender.site), "."),
        absl::StrCat("One value stops one task: ", channel->recvs_completed, " received, and ",
                     left, left == 1 ? " task still listens." : " tasks still listen.")));
  }
}

void ProposeForReceive(const Situation& s, const Group& group, FindingData& out) {
  const Task& task = *group.tasks.front();
  const Channel* channel = s.ChannelOf(task);
  if (channel != nullptr && channel->role == ChannelRole::kTimerTick) {
    ProposeForTick(s, group, *channel, out);
    return;
  }
  if (LooksLikePool(s, task)) {
    ProposeGivingBack(s, task, out);
  } else {
    if (out.rule == "abandoned-recv") ProposeStuckSender(s, group, out);
    ProposeClose(s, group, out);
  }
  ProposeContextCase(s, group, out);
}

}  // namespace stranded::detector
