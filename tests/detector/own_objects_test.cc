// What rules and fixes say of tasks that each have objects of their own does not hang on how many
// there are, nor on the numbers that they have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/detector/batch_rows.h"

namespace stranded::detector {
namespace {

constexpr Id kRoot = 1, kOpen = 2, kLike = 10, kLikeChannel = 3;

// Receivers, each on a channel of its own, in a world where nothing else happens.
class Receivers {
 public:
  Receivers() {
    at_ = dump_.At("a.cc", 5);
    made_ = dump_.At("b.cc", 7);
    stranded::detector::Context root, open;
    root.id = kRoot;
    root.kind = ContextKind::kBackground;
    open.id = kOpen;
    open.kind = ContextKind::kCancel;
    open.has_cancel_func = true;
    open.parent = kRoot;
    open.site = dump_.At("c.cc", 9);
    open.world = 1;
    channel_.id = kLikeChannel;
    channel_.site = made_;
    channel_.recvs_started = channel_.waiting_receivers = 1;
    dump_.Add(root).Add(open).Add(channel_).Add(Spawned(kLike, kLike, 0, at_));
    TaskSpec model = Receiver(kLike, kLikeChannel, at_);
    model.task.spawn = kLike;
    model.task.context = kRoot;
    dump_.Add(model);
  }
  static Id ChannelOf(Id task) { return 1000 + task; }
  DumpBuilder& dump() { return dump_; }
  SiteId place() const { return made_; }

  Receivers& Add(std::size_t count, Id context = kRoot) {
    for (; count > 0; --count)
      Add({.like = kLike, .id = next_++, .context = context, .objects = {}});
    return *this;
  }
  void Add(RowSpec row) {
    row.objects = {ChannelOf(row.id)};
    rows_.push_back(row);
    Channel channel = channel_;
    channel.id = ChannelOf(row.id);
    channels_.push_back({kLikeChannel, channel});
  }
  std::string Bytes() {
    AddRows(dump_, rows_);
    AddRows(dump_, channels_);
    return dump_.End().bytes();
  }

 private:
  DumpBuilder dump_;
  SiteId at_ = 0, made_ = 0;
  Channel channel_;
  Id next_ = kLike + 1;
  std::vector<RowSpec> rows_;
  std::vector<ObjectSpec<Channel>> channels_;
};

// All of a dump, in the order in which they are tried.
std::vector<std::string> Candidates(const std::string& bytes) {
  std::vector<std::string> patches;
  for (const Finding& finding : Analyze(ReadEach(bytes), {}).findings) {
    for (const Fix& fix : finding.data().candidates) patches.push_back(fix.patch);
  }
  return patches;
}

TEST(OwnObjects, ACandidateIsListedOnce) {
  Receivers three;
  const std::string bytes = three.Add(3, kOpen).Bytes();
  ExpectTheSame(bytes);
  const std::vector<std::string> patches = Candidates(bytes);
  EXPECT_EQ(std::set<std::string>(patches.begin(), patches.end()).size(), patches.size());
}

// Eighty of one kind, and then some of another: the fix for these is found, too.
TEST(OwnObjects, CandidatesAreOfAllKindsOfWaits) {
  Receivers few, many;
  const std::string few_bytes = few.Add(10).Add(20, kOpen).Bytes();
  const std::string many_bytes = many.Add(80).Add(20, kOpen).Bytes();
  ExpectTheSame(few_bytes);
  ExpectTheSame(many_bytes);
  EXPECT_EQ(Candidates(many_bytes), Candidates(few_bytes));
  EXPECT_THAT(Candidates(many_bytes), testing::Contains(testing::HasSubstr("cancel@c.cc#9")));
}

// Channels and contexts are counted each for themselves.
TEST(OwnObjects, ATimerOfAContextIsNoneOfAChannel) {
  for (const Id number :
       {Receivers::ChannelOf(kLike + 1), Receivers::ChannelOf(kLike + 7), Id{77}}) {
    SCOPED_TRACE(number);
    Receivers receivers;
    stranded::detector::Context pending;
    pending.id = number;
    pending.kind = ContextKind::kTimeout;
    pending.timer_pending = true;
    pending.parent = kRoot;
    Timer timer;
    timer.kind = TimerKind::kContext;
    timer.object = number;
    timer.world = 1;
    receivers.dump().Add(pending).Add(timer);
    const std::string bytes = receivers.Add(20).Bytes();
    ExpectTheSame(bytes);
    EXPECT_EQ(Analyze(ReadEach(bytes), {}).summary.stranded, 21u);
  }
}

TEST(OwnObjects, OfChainsOfOnePlaceTheLongestIsTold) {
  Receivers receivers;
  for (Id id = 20; id < 36; ++id) {
    stranded::detector::Context value;
    value.id = id;
    value.kind = ContextKind::kValue;
    value.parent = id == 20 ? kRoot : id - 1;
    value.site = 100 + static_cast<SiteId>(id);
    value.world = 1;
    receivers.dump().Add(value);
  }
  stranded::detector::Context leaf;
  leaf.id = 50;
  leaf.kind = ContextKind::kValue;
  leaf.parent = kRoot;
  leaf.site = receivers.place();
  leaf.world = 1;
  receivers.dump().Add(leaf);
  std::vector<ObjectSpec<stranded::detector::Context>> leaves;
  for (const Id task : {13, 12, 11}) {  // as their records lie
    receivers.Add({.like = kLike, .id = task, .context = 100 + task, .objects = {}});
    leaf.id = 100 + task;
    leaf.parent = task == 12 ? 30 : 27;
    leaves.push_back({50, leaf});
  }
  AddRows(receivers.dump(), leaves);
  AnalysisOptions options;
  options.rules = {"context-bag"};
  const std::string bytes = receivers.Bytes();
  ExpectTheSame(bytes, options);
  const auto findings = Analyze(ReadEach(bytes), options).findings;
  ASSERT_FALSE(findings.empty());
  EXPECT_THAT(findings[0].data().title, testing::HasSubstr("carries 12 values"));
}

}  // namespace
}  // namespace stranded::detector
