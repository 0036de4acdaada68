// When is a buffer the answer? On recorded facts (docs/rules.md, "When buffering is right").
#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/fixes/give_back.h"
#include "detector/fixes/meetings.h"
#include "detector/fixes/source_edit.h"
#include "detector/fixes/traffic.h"

namespace stranded::detector {
namespace {

constexpr std::uint64_t kLargestSensible = 65536;

struct SendFacts {
  std::uint64_t stranded = 0;  // most sends never received, over the instances made at this site
  std::uint64_t senders = 0;   // most sends begun on one of them
  bool observed_try = false, observed_size = false;
  std::size_t instances = 0;
};

// Each of a crowd made its own.
bool MadeByOwnTask(const Situation& s, const Channel& c) {
  const Task* maker = c.crowd == 0 ? nullptr : s.snap().tasks.Find(c.creator_task);
  return maker != nullptr && maker->crowd == c.crowd;
}

SendFacts Gather(const Situation& s, const Channel& like) {
  SendFacts facts;
  // What make_shared makes has one place, whoever asks for it.
  const bool anywhere = SiteText(s, like.site).in_library();
  for (const Channel* channel : s.ChannelsMadeAt(like.site)) {
    const Channel& c = *channel;
    if (c.role != ChannelRole::kUser || !MadeAlike(c, like)) continue;
    if (anywhere && c.creator_task != like.creator_task) continue;
    const std::uint64_t waiting =
        c.sends_started > c.sends_completed ? c.sends_started - c.sends_completed : 0;
    facts.instances += anywhere && MadeByOwnTask(s, c) ? 1 : s.snap().CountOf(c);
    facts.stranded = std::max(facts.stranded, waiting + c.length);
    facts.senders = std::max(facts.senders, c.sends_started);
    facts.observed_try |= c.observed_try;
    facts.observed_size |= c.observed_size;
  }
  return facts;
}

bool HoldsLock(const Situation& s, const Group& group) {
  return std::any_of(group.tasks.begin(), group.tasks.end(),
                     [&](const Task* t) { return !s.LocksHeldBy(*t).empty(); });
}

// Why a larger buffer would be wrong; empty if nothing speaks against it.
std::string Refusal(const Situation& s, const Group& group, const Channel& channel,
                    const SendFacts& facts) {
  if (LooksLikeSemaphore(s, *group.tasks.front())) {
    const bool unit = channel.elem_type == "stranded::Unit";
    return absl::StrCat("A larger buffer is not the answer: the channel is full",
                        unit ? " of values without data"
                             : ", and the same function puts a value in and takes one out",
                        ", so its capacity may be meant as a limit.");
  }
  if (NotNoted(channel, true)) {
    return "No buffer is proposed: who has sent before was not noted (record=off), and a task that "
           "sends again and again would fill it.";
  }
  if (SendsAgain(s, channel, group.tasks.front()->wait_site)) {
    return "A larger buffer is not the answer: the same task sends more than once on this channel, "
           "so a buffer only moves the place where it blocks to a later send.";
  }
  if (facts.observed_try) {
    return "A larger buffer is not the answer: the program uses TrySend, TryRecv or a select with "
           "a "
           "default on this channel, and a buffer would change what these see.";
  }
  if (facts.observed_size) {
    return "A larger buffer is not the answer: the program asks for this channel's size(), and a "
           "buffer would change that.";
  }
  if (facts.stranded == 0 || facts.stranded > kLargestSensible) {
    return "A larger buffer is not the answer: no bound for the sends that are never received can "
           "be "
           "told from this run.";
  }
  return "";
}

// Rule 2, where the order that is lost would make the program fail.
std::string Broken(const Situation& s, const Meetings& meetings) {
  if (!meetings.broken) return "";
  return absl::StrCat(
      "A larger buffer is not the answer: the channel operation at ",
      Place(s, meetings.broken->second), " comes after that at ", Place(s, meetings.broken->first),
      " only because the send waits for its receiver. One of them closes; with a buffer it could "
      "come first.");
}

// What a buffer changes for others: the rest of rule 2, and rules 3 and 5.
void WarnOfMeetings(const Situation& s, const Meetings& meetings, Fix& fix) {
  if (meetings.moved) {
    const bool lock = meetings.moved->kind == OrderedPair::Kind::kLock;
    fix.warnings.push_back(absl::StrCat(
        lock ? "The lock is taken at " : "The send at ", Place(s, meetings.moved->second),
        lock ? " after " : " comes after that at ", Place(s, meetings.moved->first),
        " only because the send waits for its receiver: with a buffer the other order is possible, "
        "too."));
  }
  if (meetings.next != 0) {
    fix.warnings.push_back(absl::StrCat(
        "After the send at ", Place(s, meetings.after_send), " its task goes on at ",
        Place(s, meetings.next), ": with a buffer that may happen before anybody has received."));
  }
  if (meetings.again != 0) {
    fix.warnings.push_back(absl::StrCat(
        "The channel serves several rounds: the sender of ", Place(s, meetings.again),
        " was started after the receive at ", Place(s, meetings.received),
        ". A later round can get the value that an earlier one left; make a channel for each."));
  }
  if (meetings.judged && !meetings.moved) {
    absl::StrAppend(&fix.reason, " Nothing else in the history of this run is ordered by the ",
                    meetings.count == 1 ? "meeting" : "meetings", " of sender and receiver.");
  }
}

std::vector<std::string> Warnings(const Situation& s, const Group& group, const Channel& channel) {
  std::vector<std::string> warnings;
  const std::string_view type = channel.elem_type;
  for (const std::string_view part :
       std::array<std::string_view, 3>{"Chan<", "Sender<", "Receiver<"}) {
    if (type.find(part) != std::string_view::npos) {
      warnings.push_back(
          "The value carries a channel: whoever waits for an answer on it will wait "
          "for ever when the value stays in the buffer.");
      break;
    }
  }
  if (type.find("unique_ptr") != std::string_view::npos) {
    warnings.push_back("The value owns something: it lives until the channel does.");
  }
  if (type == "stranded::Unit") {
    warnings.push_back(
        "The value carries no data, so the send may be meant as a meeting point: with "
        "a buffer it returns before anybody has received.");
  }
  if (channel.capacity > 0 && NobodyCameToReceive(channel)) {
    warnings.push_back(absl::StrCat(
        "Room for ", channel.capacity,
        " is written there, and nobody has come to receive yet. If "
        "it is a limit, as of a semaphore or a lock, a larger one lifts it: then each task takes "
        "its value out again on every way out."));
  }
  if (HoldsLock(s, group)) {
    warnings.push_back("A sender holds a lock while it sends.");
  }
  return warnings;
}

// Which of them, where a line makes several.
void WarnOfNeighbours(const Situation& s, const Task& sender, const Channel& channel,
                      const SourceFile* source, Fix& fix) {
  const std::string which =
      absl::StrCat(TypeText(channel.elem_type), "> with capacity ", channel.capacity,
                   " that is sent on at ", Place(s, sender.wait_site), ".");
  if (const std::string_view made = fix.site.ConstructorOf(); !made.empty()) {
    fix.warnings.push_back(absl::StrCat("The place is where ", std::string(made),
                                        " makes its members: the channel is the Chan<", which));
    return;
  }
  const auto& channels = s.ChannelsMadeAt(channel.site);
  const bool differ = std::any_of(channels.begin(), channels.end(), [&](const Channel* c) {
    return c->role == ChannelRole::kUser && !MadeAlike(*c, channel);
  });
  const bool told = source != nullptr && MakesSeveral(source->lines[fix.site.line - 1]);
  if ((differ && !fix.site.in_library()) || told) {
    fix.warnings.push_back(
        absl::StrCat("Several channels are made there: this one is the Chan<", which));
  }
}

}  // namespace

void ProposeForSend(const Situation& s, const Group& group, FindingData& out) {
  const Channel* channel = s.ChannelOf(*group.tasks.front());
  if (channel == nullptr || channel->role != ChannelRole::kUser) {
    ProposeContextCase(s, group, out);
    return;
  }
  const SendFacts facts = Gather(s, *channel);
  std::string refusal = Refusal(s, group, *channel, facts);
  const Meetings meetings = refusal.empty() ? JudgeMeetings(s, *channel) : Meetings();
  if (refusal.empty()) refusal = Broken(s, meetings);
  if (!refusal.empty()) {
    out.notes.push_back(refusal);
    if (LooksLikeSemaphore(s, *group.tasks.front())) {
      ProposeGivingBack(s, *group.tasks.front(), out);
    }
    ProposeContextCase(s, group, out);
    return;
  }
  // Room for all sends makes every sender independent of the receiver. Where more went through than
  // were left, the number of sends says how long the program ran, not how much room is needed.
  const std::uint64_t received = facts.senders - std::min(facts.senders, facts.stranded);
  const bool stream = received > facts.stranded;
  const std::uint64_t capacity = stream ? facts.stranded : std::max(facts.stranded, facts.senders);
  Fix fix;
  fix.kind = FixKind::kRaiseCapacity;
  fix.site = SiteText(s, channel->site);
  fix.capacity = static_cast<std::int64_t>(capacity);
  fix.summary =
      absl::StrCat("Give the channel room for ", capacity, capacity == 1 ? " value" : " values",
                   " at ", fix.site.ToString(), ".");
  fix.reason = absl::StrCat(
      facts.senders, facts.senders == 1 ? " send" : " sends", " begun, ", received, " received, ",
      facts.stranded,
      out.verdict == "proven"
          ? " never: each sender can then leave its value and finish, though nobody is "
            "there to receive."
          : " not yet: each sender can then leave its value and finish, also if nobody "
            "receives it any more.");
  fix.warnings = Warnings(s, group, *channel);
  WarnOfMeetings(s, meetings, fix);
  if (stream) {
    fix.warnings.push_back(
        "More values went through before than were left: if a sender sends again and again, no "
        "buffer is large enough, and it should send with its context instead.");
  }
  if (facts.instances > 1) {
    fix.warnings.push_back(
        absl::StrCat("The largest need of ", facts.instances, " channels made ",
                     fix.site.in_library() ? "alike by one task" : "at this line",
                     "; another run may need more."));
  }
  const auto source = FindSource(fix.site.file, s.options().source_root);
  const bool has_line = source.has_value() && fix.site.line <= source->lines.size();
  if (has_line) {
    if (const auto edited = WithCapacity(source->lines[fix.site.line - 1], fix.capacity)) {
      fix.diff = DiffOfLine(*source, fix.site.line, *edited);
    }
  }
  if (fix.diff.empty()) {
    const SourceFile* lines = has_line ? &*source : nullptr;
    WarnOfNeighbours(s, *group.tasks.front(), *channel, lines, fix);
  }
  out.fixes.push_back(std::move(fix));
  ProposeContextCase(s, group, out);
}

}  // namespace stranded::detector
