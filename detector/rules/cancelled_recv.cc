#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

Match Check(const Situation& s, const Task& task) {
  if (task.wait != WaitKind::kChanRecv) return {};
  return Cancelled(s, task);
}

std::string Sentence(const Situation& s, const Group& group, const std::string& who, bool many) {
  const Task& task = *group.tasks.front();
  if (WaitsForEnd(s.snap(), task)) {
    return absl::StrCat(who, " blocked waiting for the end of ", ContextAwaited(s, task),
                        " although ", many ? "their" : "its", " own context has ended");
  }
  return absl::StrCat(who, " blocked receiving from ", ChannelText(s.ChannelOf(task)), " although ",
                      many ? "their" : "its", " context has ended");
}

// Its values say nothing, and there have never been any: its end is the message.
bool IsMeantToBeClosed(const Channel* channel) {
  return channel != nullptr && channel->elem_type == "stranded::Unit" && !channel->closed &&
         channel->sends_started == 0;
}

void Explain(const Situation& s, const Group& group, FindingData& out) {
  if (WaitsForEnd(s.snap(), *group.tasks.front())) {
    ProposeContextCase(s, group, out);
    return;
  }
  out.notes.push_back("Buffering cannot help here: the blocked operation is a receive.");
  ProposeContextCase(s, group, out);
  const bool ends = IsMeantToBeClosed(s.ChannelOf(*group.tasks.front()));
  if (ends) {
    out.notes.push_back(
        "Nobody has ever sent on this channel of Unit: it is Close() that it waits for, and a path "
        "may leave that out.");
  }
  if (ends || group.tasks.front()->range) ProposeClose(s, group, out);
}

}  // namespace

const Rule kCancelledRecv = {
    {"cancelled-recv", "a task still receives from a channel although its context has ended",
     "The work was cancelled and the sender has gone, but the receiver listens to the channel "
     "only, not "
     "to its context.\n"
     "\n"
     "Fix: Recv(ctx), or a Select with OnDone(ctx); or the last sender closes the channel. A "
     "buffer "
     "cannot help a receiver."},
    &Check,
    &Sentence,
    &Explain};

}  // namespace stranded::detector
