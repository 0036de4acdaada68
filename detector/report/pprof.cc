// A pprof profile: how many tasks are stranded where. `go tool pprof -top`, `-tags`, `-http`.
#include <map>
#include <protozero/pbf_writer.hpp>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "detector/model/snapshot.h"
#include "detector/report/gzip.h"
#include "detector/report/portable.h"
#include "stranded/report.h"

namespace stranded {
namespace {

using protozero::pbf_writer;

// Field numbers of google/pprof, proto/profile.proto.
enum Profile {
  kSampleType = 1,
  kSample,
  kMapping,
  kLocation,
  kFunction,
  kStrings,
  kTime = 9,
  kPeriodType = 11,
  kPeriod = 12,
  kDefaultType = 14
};

class Writer {
 public:
  Writer() { Text(""); }

  void Add(const FindingData& d) {
    std::vector<std::uint64_t> stack;  // leaf first
    for (const StackFrame& f : d.stack) {
      // Stranded's own frames would make its Park() the top of every profile.
      if (!f.runtime && !f.function.empty()) stack.push_back(Location(f.function, f.file, f.line));
    }
    if (const SourceSite& site = detector::MainSite(d); stack.empty()) {
      stack.push_back(
          Location(site.function.empty() ? site.ToString() : site.function, site.file, site.line));
    }
    std::string body;
    {
      pbf_writer sample(body);
      sample.add_packed_uint64(1, stack.begin(), stack.end());
      const std::int64_t count = static_cast<std::int64_t>(d.task_count);
      sample.add_packed_int64(2, &count, &count + 1);
      Label(sample, "rule", d.rule);
      Label(sample, "verdict", d.verdict);
      Label(sample, "state", d.wait);
      Label(sample, "context", detector::ContextName(d));
      Label(sample, "finding", d.fingerprint);
      if (!d.task_name.empty()) Label(sample, "task", d.task_name);
    }
    samples_.push_back(std::move(body));
  }

  std::string Finish(const std::string& program, std::int64_t wall_ns) {
    std::string out;
    pbf_writer profile(out);
    const std::string type = ValueType();
    profile.add_message(kSampleType, type);
    for (const std::string& s : samples_) profile.add_message(kSample, s);
    {
      pbf_writer mapping(profile, kMapping);
      mapping.add_uint64(1, 1);
      mapping.add_int64(5, Text(program.empty() ? "program" : program));
      for (const std::uint32_t flag : {7u, 8u, 9u, 10u}) mapping.add_bool(flag, true);
    }
    for (const std::string& l : locations_) profile.add_message(kLocation, l);
    for (const std::string& f : functions_) profile.add_message(kFunction, f);
    for (const std::string& s : strings_) profile.add_string(kStrings, s);
    if (wall_ns > 0) profile.add_int64(kTime, wall_ns);
    profile.add_message(kPeriodType, type);
    profile.add_int64(kPeriod, 1);
    profile.add_int64(kDefaultType, Text("strandedtask"));
    return out;
  }

 private:
  std::int64_t Text(const std::string& raw) {
    const std::string text = detector::Utf8(raw);
    const auto [it, fresh] = string_ids_.try_emplace(text, strings_.size());
    if (fresh) strings_.push_back(text);
    return static_cast<std::int64_t>(it->second);
  }

  std::string ValueType() {
    std::string body;
    pbf_writer type(body);
    type.add_int64(1, Text("strandedtask"));
    type.add_int64(2, Text("count"));
    return body;
  }

  void Label(pbf_writer& sample, const char* key, const std::string& value) {
    pbf_writer label(sample, 3);
    label.add_int64(1, Text(key));
    label.add_int64(2, Text(value));
  }

  std::uint64_t Function(const std::string& name, const std::string& file) {
    const auto [it, fresh] = function_ids_.try_emplace({name, file}, functions_.size() + 1);
    if (!fresh) return it->second;
    std::string body;
    pbf_writer function(body);
    function.add_uint64(1, it->second);
    function.add_int64(2, Text(name));
    function.add_int64(3, Text(name));
    function.add_int64(4, Text(file));
    functions_.push_back(body);
    return it->second;
  }

  // Without its address, which differs from run to run: functions and lines are known.
  std::uint64_t Location(const std::string& name, const std::string& file, std::uint32_t line) {
    const auto [it, fresh] = location_ids_.try_emplace({name, file, line}, locations_.size() + 1);
    if (!fresh) return it->second;
    const std::uint64_t function = Function(name, file);
    std::string body;
    pbf_writer location(body);
    location.add_uint64(1, it->second);
    location.add_uint64(2, 1);
    {
      pbf_writer inner(location, 4);
      inner.add_uint64(1, function);
      inner.add_int64(2, line);
    }
    locations_.push_back(body);
    return it->second;
  }

  std::vector<std::string> strings_, samples_, locations_, functions_;
  std::map<std::string, std::size_t> string_ids_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> function_ids_;
  std::map<std::tuple<std::string, std::string, std::uint32_t>, std::uint64_t> location_ids_;
};

}  // namespace

std::string PprofReport(const Analysis& analysis) {
  Writer writer;
  for (const FindingData& d : detector::PortableFindings(analysis)) writer.Add(d);
  const bool has_time = analysis.dump != nullptr && !analysis.dump->snapshots.empty();
  return detector::Gzip(writer.Finish(detector::PortablePath(analysis.summary.program),
                                      has_time ? analysis.dump->snapshots.back().wall_ns : 0));
}

}  // namespace stranded
