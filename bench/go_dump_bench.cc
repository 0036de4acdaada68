// Readers of Go's dumps: text with debug=2, a profile as protobuf, and all the way to the report.
#include <benchmark/benchmark.h>
#include <stranded/go_dump.h>
#include <stranded/report.h>

#include <protozero/pbf_writer.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "detector/input/go_pprof.h"
#include "detector/input/go_text.h"

namespace stranded::bench {
namespace {

// What runtime.Stack writes of goroutines with two frames and a creator: 246 bytes each.
std::string Text(std::int64_t goroutines, std::int64_t stacks) {
  static constexpr const char* kStates[] = {"chan send", "chan receive", "select", "chan receive"};
  std::string text =
      "goroutine 1 [running]:\nmain.dump(0xc000012345)\n\t/home/me/src/app/main.go:40 +0x65\n\n";
  for (std::int64_t i = 0; i < goroutines; ++i) {
    const std::int64_t s = i * 7919 % stacks;
    absl::StrAppendFormat(
        &text,
        "goroutine %d [%s%s]:\nmain.parked%d(0xc%09x, 0x%x)\n\t/home/me/src/bench/profile.go:%d "
        "+0x30\nmain.outer(...)\n\t/home/me/src/bench/profile.go:42\ncreated by main.start in "
        "goroutine 1\n\t/home/me/src/bench/profile.go:60 +0x45\n\n",
        i + 18, kStates[s % 4], s % 60 > 1 ? absl::StrCat(", ", s % 60, " minutes") : "", s, i * 96,
        s, s % 500 + 20);
  }
  return text;
}

void Arguments(benchmark::internal::Benchmark* b) {
  b->ArgNames({"goroutines", "stacks"})->Unit(benchmark::kMillisecond);
  b->Args({1'000'000, 1'000})->Args({100'000, 16'384});
}

void GoText(benchmark::State& state) {
  const std::string text = Text(state.range(0), state.range(1));
  for ([[maybe_unused]] auto _ : state) {
    detector::GoDumps dumps;
    detector::GoTextReader reader(dumps, "bench");
    reader.Feed(text);
    reader.Finish();
    benchmark::DoNotOptimize(dumps.dumps.size());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(GoText)->Apply(Arguments);

void GoTextToReport(benchmark::State& state) {
  const std::string text = Text(state.range(0), state.range(1));
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(TextReport(*AnalyzeGo(text, "bench")).size());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(GoTextToReport)->Apply(Arguments);

// A profile as Go writes it: stacks of 16 frames, a binary tree of calls.
class Profile {
 public:
  explicit Profile(int depth) {
    ValueType();
    for (int i = 0; i < 1 << depth; ++i) {
      std::vector<std::uint64_t> ids = {Location("runtime.gopark", 363),
                                        Location("runtime.chansend1", 145)};
      for (int d = 0; d < depth; ++d) {
        const int branch = i >> d & 1;
        ids.push_back(Location(absl::StrCat("example.com/app/deep.level", d, ".branch", branch),
                               10 + 2 * d + branch));
      }
      protozero::pbf_writer sample(all_, 2);
      sample.add_packed_uint64(1, ids.begin(), ids.end());
      sample.add_int64(2, 61);
    }
    for (const std::string& text : strings_) all_.add_string(6, text);
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void ValueType() {
    protozero::pbf_writer type(all_, 1);
    type.add_int64(1, 1);
    type.add_int64(2, 2);
  }
  std::uint64_t Location(const std::string& function, int line) {
    for (std::size_t i = 3; i < strings_.size(); ++i) {
      if (strings_[i] == function) return i;
    }
    strings_.push_back(function);
    const std::uint64_t id = strings_.size() - 1;
    {
      protozero::pbf_writer entry(all_, 5);
      entry.add_uint64(1, id);
      entry.add_uint64(2, id);
    }
    protozero::pbf_writer location(all_, 4);
    location.add_uint64(1, id);
    protozero::pbf_writer where(location, 4);
    where.add_uint64(1, id);
    where.add_int64(2, line);
    return id;
  }
  std::vector<std::string> strings_ = {"", "goroutine", "count"};
  std::string bytes_;
  protozero::pbf_writer all_{bytes_};
};

void GoPprof(benchmark::State& state) {
  const Profile profile(14);
  for ([[maybe_unused]] auto _ : state) {
    detector::GoDumps dumps;
    benchmark::DoNotOptimize(detector::ReadGoPprof(profile.bytes(), "bench", dumps).ok());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(profile.bytes().size()));
}
BENCHMARK(GoPprof)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace stranded::bench
