// What the C++ programs of the comparison share.
//
// Overview: a program registers rows; its command line runs one of them and prints a line
// "ROW FIGURE VALUE" for each figure. The Go program prints the same.
// Thread safety: rows report from one task at a time.
// Invariants: sizes go through Scaled, so that every program does the same work for one -scale.
// Ownership: everything here lives as long as the process.
#ifndef STRANDED_BENCH_PEERS_MEASURE_H_
#define STRANDED_BENCH_PEERS_MEASURE_H_

#include <cstdint>
#include <functional>
#include <string>

namespace peers {

using Row = void (*)();

// Registers a row when a global of this type is made.
struct Register {
  Register(const char* name, Row row);
};

// `n` times the -scale of the command line, at least `least`.
std::int64_t Scaled(std::int64_t n, std::int64_t least = 1);

void Report(const std::string& figure, double value);

double WallNs();
double CpuNs();

// Times `body`, which does `operations`: reports `figure` and, for busy machines, cpu_`figure`.
template <class F>
void Measure(std::int64_t operations, F&& body, const std::string& figure = "ns_per_op") {
  const double wall = WallNs(), cpu = CpuNs();
  body();
  const double wall_end = WallNs(), cpu_end = CpuNs();
  const auto n = static_cast<double>(operations);
  Report(figure, (wall_end - wall) / n);
  Report("cpu_" + figure, (cpu_end - cpu) / n);
}

// The same with a warm-up of a tenth; `body` takes the number of repetitions.
template <class F>
void Warmed(std::int64_t repetitions, std::int64_t operations_each, F&& body) {
  body(repetitions / 10 + 1);
  Measure(repetitions * operations_each, [&] { body(repetitions); });
}

double ResidentBytes();
double PeakBytes();

// Keeps a value, and what made it, from being optimised away.
template <class T>
void Keep(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

// Work that takes some 100 ns and cannot be skipped.
std::uint64_t Spin(std::uint64_t seed);

// How many channel transfers the prime sieve needs until the count-th prime is out.
std::int64_t SieveTransfers(std::int64_t count);

// Runs the rows named on the command line: [-workers N] [-scale F] (-list | ROW...).
int Main(int argc, char** argv, const std::function<void(int workers, Row row)>& run);

}  // namespace peers

#endif  // STRANDED_BENCH_PEERS_MEASURE_H_
