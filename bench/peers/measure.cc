#include "bench/peers/measure.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <utility>
#include <vector>

namespace peers {
namespace {

std::vector<std::pair<std::string, Row>>& Rows() {
  static auto& rows = *new std::vector<std::pair<std::string, Row>>;
  return rows;
}
double scale = 1;
std::string current;

double ClockNs(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

double StatusBytes(const char* field) {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.rfind(field, 0) == 0) return std::atof(line.c_str() + std::strlen(field)) * 1024;
  }
  return 0;
}

}  // namespace

Register::Register(const char* name, Row row) { Rows().emplace_back(name, row); }

std::int64_t Scaled(std::int64_t n, std::int64_t least) {
  const auto scaled = static_cast<std::int64_t>(static_cast<double>(n) * scale);
  return scaled < least ? least : scaled;
}

void Report(const std::string& figure, double value) {
  std::printf("%s %s %.4f\n", current.c_str(), figure.c_str(), value);
  std::fflush(stdout);
}

double WallNs() { return ClockNs(CLOCK_MONOTONIC); }
double CpuNs() { return ClockNs(CLOCK_PROCESS_CPUTIME_ID); }
double ResidentBytes() { return StatusBytes("VmRSS:"); }
double PeakBytes() { return StatusBytes("VmHWM:"); }

std::uint64_t Spin(std::uint64_t seed) {
  for (int i = 0; i < 64; ++i) seed = seed * 6364136223846793005U + 1442695040888963407U;
  return seed;
}

std::int64_t SieveTransfers(std::int64_t count) {
  std::vector<std::int64_t> primes;
  std::int64_t transfers = 0;
  for (std::int64_t v = 2; static_cast<std::int64_t>(primes.size()) < count; ++v) {
    ++transfers;
    bool prime = true;
    for (const std::int64_t p : primes) {
      prime = v % p != 0;
      if (!prime) break;
      ++transfers;
    }
    if (prime) primes.push_back(v);
  }
  return transfers;
}

int Main(int argc, char** argv, const std::function<void(int, Row)>& run) {
  int workers = 1, at = 1;
  for (; at < argc && argv[at][0] == '-'; ++at) {
    const std::string flag = argv[at];
    if (flag == "-list") {
      for (const auto& row : Rows()) std::puts(row.first.c_str());
      return 0;
    }
    if (at + 1 == argc) break;
    if (flag == "-workers") workers = std::atoi(argv[++at]);
    if (flag == "-scale") scale = std::atof(argv[++at]);
  }
  for (; at < argc; ++at) {
    bool known = false;
    for (const auto& row : Rows()) {
      if (row.first != argv[at]) continue;
      known = true;
      current = row.first;
      run(workers, row.second);
    }
    if (!known) {
      std::fprintf(stderr, "no row '%s'; -list names them\n", argv[at]);
      return 2;
    }
  }
  std::fflush(stdout);
  std::_Exit(0);  // the sieve leaves its filters blocked
}

}  // namespace peers
