#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

Match Check(const Situation& s, const Task& task) {
  if (task.wait != WaitKind::kChanRecv || !task.range) return {};
  const Channel* channel = s.ChannelOf(task);
  if (channel == nullptr || channel->closed || channel->role != ChannelRole::kUser) return {};
  return Stuck(s, task, false);
}

std::string Sentence(const Situation&, const Group&, const std::string& who, bool many) {
  return absl::StrCat(who, many ? " blocked in loops over a channel that nobody closes"
                                : " blocked in a loop over a channel that nobody closes");
}

void Explain(const Situation& s, const Group& group, FindingData& out) {
  out.notes.push_back("Buffering cannot help here: the blocked operation is a receive.");
  ProposeStuckSender(s, group, out);
  ProposeClose(s, group, out);
}

}  // namespace

const Rule kUnclosedChannel = {
    {"unclosed-channel",
     "a receiver loops over a channel whose senders are gone or stuck and nobody closed it",
     "A range-for over a channel ends only when the channel is closed. All senders have gone and "
     "none closed it: a missing Close(), or a Stop() that was never called. Or the last one is "
     "stuck itself; then look at its finding first.\n"
     "\n"
     "Fix: the last sender closes the channel; with several senders, one task waits for them all "
     "and "
     "then closes."},
    &Check,
    &Sentence,
    &Explain};

}  // namespace stranded::detector
