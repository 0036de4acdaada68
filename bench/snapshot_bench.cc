// From parked tasks to a report: the four steps, each timed alone, and all of them together.
#include <stranded/dump.h>
#include <stranded/dump_reader.h>
#include <stranded/report.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "bench/bench_support.h"
#include "bench/crowd.h"

namespace stranded::bench {
namespace {

// The program still runs, so a task counts as stuck by age; here at once.
AnalysisOptions AtOnce() {
  AnalysisOptions options;
  options.min_age = absl::ZeroDuration();
  return options;
}

// As a check of a program that looks at itself reads its own dump.
std::shared_ptr<const detector::Dump> Read(std::string bytes) {
  detector::ReadOptions read;
  read.merge = detector::MergeAlike{AtOnce().min_age, AtOnce().most_tasks_listed};
  auto dump = detector::ReadDump(std::move(bytes), "benchmark", read);
  return dump.ok() ? *dump : nullptr;
}

// As `stranded tasks` does: every task.
std::shared_ptr<const detector::Dump> ReadEach(std::string bytes) {
  auto dump = detector::ReadDump(std::move(bytes), "benchmark");
  return dump.ok() ? *dump : nullptr;
}

Analysis Look(std::shared_ptr<const detector::Dump> dump) {
  return Analyze(std::move(dump), AtOnce());
}

void Capture(benchmark::State& state) {
  const Crowd crowd(state.range(0));
  std::string bytes;
  for (auto _ : state) bytes = CaptureDump();
  state.counters["dump_bytes"] = static_cast<double>(bytes.size());
}

template <auto read>
void ReadBack(benchmark::State& state) {
  const Crowd crowd(state.range(0));
  const std::string bytes = CaptureDump();
  for (auto _ : state) {
    auto dump = read(bytes);
    if (dump == nullptr) state.SkipWithError("the dump cannot be read");
    benchmark::DoNotOptimize(dump);
  }
}

void AnalyzeAll(benchmark::State& state) {
  const Crowd crowd(state.range(0));
  const auto dump = Read(CaptureDump());
  std::size_t findings = 0, stranded = 0;
  for (auto _ : state) {
    const Analysis analysis = Look(dump);
    findings = analysis.findings.size();
    stranded = analysis.summary.stranded;
  }
  state.counters["findings"] = static_cast<double>(findings);
  state.counters["stranded"] = static_cast<double>(stranded);
}

void WriteText(benchmark::State& state) {
  const Crowd crowd(state.range(0));
  const Analysis analysis = Look(Read(CaptureDump()));
  std::size_t bytes = 0;
  for (auto _ : state) bytes = TextReport(analysis).size();
  state.counters["text_bytes"] = static_cast<double>(bytes);
}

// What a program asks for and prints: everything from the parked tasks to the text.
template <Crowd::Kind kind>
void Diagnose(benchmark::State& state) {
  const Crowd crowd(state.range(0), kind);
  std::size_t bytes = 0, findings = 0, stacks = 0;
  for (auto _ : state) {
    const Analysis analysis = Look(Read(CaptureDump()));
    bytes = TextReport(analysis).size();
    findings = analysis.findings.size();
    stacks = 0;
    for (const Finding& f : analysis.findings) stacks += !f.data().stack.empty();
  }
  state.counters["findings"] = static_cast<double>(findings);
  state.counters["stacks"] = static_cast<double>(stacks);
  state.counters["text_bytes"] = static_cast<double>(bytes);
}

// Leaves its dump at $STRANDED_BENCH_DUMP, for measuring the command line on it.
template <Crowd::Kind kind>
void WriteFile(benchmark::State& state) {
  const char* kept = std::getenv("STRANDED_BENCH_DUMP");
  const std::string path = kept != nullptr ? kept : "bench_dump.strd";
  const Crowd crowd(state.range(0), kind);
  for (auto _ : state) {
    if (!WriteDump(path).ok()) state.SkipWithError("the dump cannot be written");
  }
  if (kept == nullptr) std::remove(path.c_str());
}

void Big(benchmark::internal::Benchmark* b) {
  Timed(b);
  b->ArgName("tasks")->Arg(100000)->Unit(benchmark::kMillisecond);
}
void Huge(benchmark::internal::Benchmark* b) {
  Timed(b);
  b->ArgName("tasks")->Arg(1000000)->Iterations(1)->Repetitions(1)->Unit(benchmark::kMillisecond);
}
void Growing(benchmark::internal::Benchmark* b) {
  Timed(b);
  b->ArgName("tasks")->RangeMultiplier(10)->Range(1000, 1000000)->Iterations(1);
  b->Unit(benchmark::kMillisecond);
}
BENCHMARK(Diagnose<Crowd::kReceive>)->Name("diagnose")->Apply(Growing);
BENCHMARK(Diagnose<Crowd::kRequests>)->Name("diagnose_requests")->Apply(Growing);
BENCHMARK(Capture)->Name("snapshot_capture")->Apply(Big);
BENCHMARK(ReadBack<Read>)->Name("snapshot_read")->Apply(Big);
BENCHMARK(ReadBack<ReadEach>)->Name("snapshot_read_each")->Apply(Big);
BENCHMARK(AnalyzeAll)->Name("snapshot_analyze")->Apply(Big);
BENCHMARK(WriteText)->Name("snapshot_text")->Apply(Big);
BENCHMARK(WriteFile<Crowd::kReceive>)->Name("snapshot_huge_write")->Apply(Huge);
BENCHMARK(WriteFile<Crowd::kRequests>)->Name("requests_huge_write")->Apply(Huge);
BENCHMARK(Capture)->Name("snapshot_huge_capture")->Apply(Huge);
BENCHMARK(ReadBack<Read>)->Name("snapshot_huge_read")->Apply(Huge);
BENCHMARK(ReadBack<ReadEach>)->Name("snapshot_huge_read_each")->Apply(Huge);
BENCHMARK(AnalyzeAll)->Name("snapshot_huge_analyze")->Apply(Huge);
BENCHMARK(WriteText)->Name("snapshot_huge_text")->Apply(Huge);

}  // namespace
}  // namespace stranded::bench
