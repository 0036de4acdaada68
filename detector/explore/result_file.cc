#include "detector/explore/result_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "detector/report/finding_json.h"
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

// "crash 11 3 0.1t1 Fetch.One": the name comes last, as there may be blanks in it.
void AppendEnd(const std::string& path, const char* how, int value, const EarlyEnd& end) {
  Append(path, std::string(how) + " " + std::to_string(value) + " " + std::to_string(end.number) +
                   " " + end.schedule + " " + end.name + "\n");
}

}  // namespace

void WriteBegin(const std::string& path, const std::string& name, bool is_test) {
  Append(path, (is_test ? "test " : "begin ") + name + "\n");
}

void WriteCrash(const std::string& path, int signal, const EarlyEnd& end) {
  AppendEnd(path, "crash", signal, end);
}

void WriteHang(const std::string& path, int seconds, const EarlyEnd& end) {
  AppendEnd(path, "hang", seconds, end);
}

void WriteExit(const std::string& path, const EarlyEnd& end) { AppendEnd(path, "exit", 0, end); }

void WriteNoTest(const std::string& path, int tests, const std::string& filter) {
  Append(path, "none " + std::to_string(tests) + " " + filter + "\n");
}

void WriteResult(const std::string& path, const ExploreResult& result) {
  std::string line = ExploreJson(result);
  // Only for the command that has started the program: reports name no folder of a machine.
  const ExploreOutcome* const bad = result.bad();
  if (bad != nullptr && !bad->report.analysis().summary.source_root.empty()) {
    const Json root = bad->report.analysis().summary.source_root;
    line.insert(
        1, "\"source_root\":" + root.dump(-1, ' ', false, Json::error_handler_t::replace) + ",");
  }
  Append(path, line);
}

}  // namespace stranded::detector
