// The blocking operation gives up when the task's context ends.
#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/fixes/source_edit.h"

namespace stranded::detector {
namespace {

std::string HowTo(WaitKind kind) {
  switch (kind) {
    case WaitKind::kChanSend:
      return "send with the context, `Send(ctx, value)`, or in a Select beside OnDone(ctx)";
    case WaitKind::kChanRecv:
      return "receive with the context, `Recv(ctx)`, or in a Select beside OnDone(ctx)";
    case WaitKind::kSelect: return "add an OnDone(ctx) case to the Select";
    case WaitKind::kSemaphoreAcquire: return "acquire with the task's own context";
    default: return "wait on a channel in a Select beside OnDone(ctx) instead";
  }
}

}  // namespace

Fix SimpleFix(FixKind kind, const SourceSite& site, std::string summary, std::string reason) {
  Fix fix;
  fix.kind = kind;
  fix.site = site;
  fix.summary = std::move(summary);
  fix.reason = std::move(reason);
  return fix;
}

void ProposeContextCase(const Situation& s, const Group& group, FindingData& out) {
  const Task& task = *group.tasks.front();
  const SourceSite site = SiteText(s, task.wait_site);
  Fix fix = SimpleFix(FixKind::kAddContextCase, site,
                      absl::StrCat("At ", site.ToString(), ", ", HowTo(task.wait), "."),
                      "The operation then ends when the context does, whoever else has left.");
  if (s.EndedContext(task) == nullptr) {
    fix.warnings.push_back(
        "The task's context has not ended in this run: it must also be cancelled when the work is "
        "no longer wanted.");
  }
  if (task.wait == WaitKind::kChanSend) {
    const auto source = FindSource(site.file, s.options().source_root);
    if (source.has_value()) {
      if (const auto edited = WithContextSend(source->lines, site.line)) {
        fix.diff = DiffOfLine(*source, site.line, *edited);
      }
    }
  }
  out.fixes.push_back(std::move(fix));
}

void ProposeClose(const Situation& s, const Group& group, FindingData& out) {
  const Channel* channel = s.ChannelOf(*group.tasks.front());
  if (channel == nullptr) return;
  const Peer& sender = channel->last_sender;
  const SourceSite site = SiteText(s, sender.site != 0 ? sender.site : channel->site);
  std::string summary =
      sender.task == 0
          ? absl::StrCat("Close the channel made at ", Place(s, channel->site),
                         " when nothing more will be sent.")
          : absl::StrCat(
                "Call Close() on the channel when its last sender is done, after the sends "
                "at ",
                site.ToString(), ".");
  Fix fix = SimpleFix(FixKind::kCloseChannel, site, std::move(summary),
                      "A receive on a closed channel returns: every receiver ends its loop.");
  if (channel->sends_completed > 0 && channel->repeat_sends + 1 < channel->sends_completed) {
    fix.warnings.push_back(
        "Several tasks send here: close once, after all of them have finished "
        "(for example behind a WaitGroup).");
  }
  out.fixes.push_back(std::move(fix));
}

}  // namespace stranded::detector
