#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

Match Check(const Situation& s, const Task& task) {
  if (task.wait != WaitKind::kChanSend) return {};
  return Cancelled(s, task);
}

std::string Sentence(const Situation& s, const Group& group, const std::string& who, bool many) {
  return absl::StrCat(who, " blocked sending on ", ChannelText(s.ChannelOf(*group.tasks.front())),
                      " although ", many ? "their" : "its", " context has ended");
}

void Explain(const Situation& s, const Group& group, FindingData& out) {
  ProposeForSend(s, group, out);
}

}  // namespace

const Rule kCancelledSend = {
    {"cancelled-send", "a task still sends on a channel although its context has ended",
     "The classic: several tasks compute an answer, the caller takes the first one, or gives up at "
     "a "
     "deadline, and returns. Nobody receives any more, so every other sender blocks for ever on "
     "the "
     "unbuffered channel and keeps its stack, its sockets and its memory.\n"
     "\n"
     "Fix: room in the channel for every sender, so that each can leave its result and finish; or "
     "send "
     "with the context. The report says which one the recorded facts support."},
    &Check,
    &Sentence,
    &Explain};

}  // namespace stranded::detector
