#include "detector/explore/result_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "stranded/explore_json.h"

namespace stranded::detector {
namespace {

void Append(const std::string& path, const std::string& line) {
  std::FILE* file = std::fopen(path.c_str(), "ae");
  const bool written = file != nullptr && std::fputs(line.c_str(), file) >= 0;
  const bool closed = file != nullptr && std::fclose(file) == 0;
  if (written && closed) return;
  std::fprintf(stderr, "stranded: cannot write the result of the exploration to %s: %s\n",
               path.c_str(), std::strerror(errno));
}

}  // namespace

void WriteBegin(const std::string& path, const std::string& name, bool is_test) {
  Append(path, (is_test ? "test " : "begin ") + name + "\n");
}

void WriteCrash(const std::string& path, int signal, int number, const std::string& schedule) {
  Append(path,
         "crash " + std::to_string(signal) + " " + std::to_string(number) + " " + schedule + "\n");
}

void WriteHang(const std::string& path, int seconds, int number, const std::string& schedule) {
  Append(path,
         "hang " + std::to_string(seconds) + " " + std::to_string(number) + " " + schedule + "\n");
}

void WriteNoTest(const std::string& path, int tests, const std::string& filter) {
  Append(path, "none " + std::to_string(tests) + " " + filter + "\n");
}

void WriteResult(const std::string& path, const ExploreResult& result) {
  Append(path, ExploreJson(result));
}

}  // namespace stranded::detector
