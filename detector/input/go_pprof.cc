#include "detector/input/go_pprof.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detector/input/decode.h"
#include "detector/input/go_lines.h"

namespace stranded::detector {
namespace {

struct Line {
  std::uint64_t function = 0;
  std::int64_t line = 0;
};
struct Function {
  std::uint64_t name = 0, file = 0;
};

struct Profile {
  std::vector<std::string_view> strings, samples;
  std::string_view sample_type;
  absl::flat_hash_map<std::uint64_t, std::vector<Line>> locations;
  absl::flat_hash_map<std::uint64_t, Function> functions;

  std::string_view Text(std::uint64_t i) const {
    return i < strings.size() ? strings[i] : std::string_view();
  }
};

void ReadLocation(std::string_view bytes, Profile& profile) {
  Reader message(bytes.data(), bytes.size());
  std::uint64_t id = 0;
  std::vector<Line> lines;
  while (message.next()) {
    if (message.tag() == 1) {
      id = message.get_uint64();
    } else if (message.tag() == 4) {
      Reader part(message.get_view());
      Line line;
      while (part.next()) {
        if (part.tag() == 1) {
          line.function = part.get_uint64();
        } else if (part.tag() == 2) {
          line.line = part.get_int64();
        } else {
          part.skip();
        }
      }
      if (lines.size() < kMostGoFrames) lines.push_back(line);
    } else {
      message.skip();
    }
  }
  profile.locations[id] = std::move(lines);
}

void ReadFunction(std::string_view bytes, Profile& profile) {
  Reader message(bytes.data(), bytes.size());
  std::uint64_t id = 0;
  Function function;
  while (message.next()) {
    switch (message.tag()) {
      case 1: id = message.get_uint64(); break;
      case 2: function.name = message.get_uint64(); break;
      case 4: function.file = message.get_uint64(); break;
      default: message.skip();
    }
  }
  profile.functions[id] = function;
}

Profile ReadProfile(std::string_view bytes) {
  Profile profile;
  Reader message(bytes.data(), bytes.size());
  while (message.next()) {
    switch (message.tag()) {
      case 1: profile.sample_type = View(message.get_view()); break;
      case 2: profile.samples.push_back(View(message.get_view())); break;
      case 4: ReadLocation(View(message.get_view()), profile); break;
      case 5: ReadFunction(View(message.get_view()), profile); break;
      case 6: profile.strings.push_back(View(message.get_view())); break;
      default: message.skip();
    }
  }
  return profile;
}

// A repeated number, packed or not.
template <class Use>
void Numbers(Reader& message, Use use) {
  if (message.wire_type() == protozero::pbf_wire_type::varint) {
    use(message.get_uint64());
    return;
  }
  for (const std::uint64_t number : message.get_packed_uint64()) use(number);
}

std::string LabelText(std::string_view bytes, const Profile& profile) {
  Reader message(bytes.data(), bytes.size());
  std::uint64_t key = 0, text = 0;
  while (message.next()) {
    if (message.tag() == 1) {
      key = message.get_uint64();
    } else if (message.tag() == 2) {
      text = message.get_uint64();
    } else {
      message.skip();
    }
  }
  return absl::StrCat(std::string(profile.Text(key)), ": ", std::string(profile.Text(text)));
}

class Interner {
 public:
  Interner(const Profile& profile, GoDumps& out) : profile_(profile), out_(out) {}

  void AddLocation(std::uint64_t id, std::vector<std::uint32_t>& frames) {
    auto [it, fresh] = known_.try_emplace(id);
    if (fresh) {
      const auto location = profile_.locations.find(id);
      if (location != profile_.locations.end()) {
        for (const Line& line : location->second) it->second.push_back(Frame(line));
      }
    }
    for (const std::uint32_t frame : it->second) {
      if (frames.size() < kMostGoFrames) frames.push_back(frame);
    }
  }

 private:
  std::uint32_t Frame(const Line& line) {
    const auto it = profile_.functions.find(line.function);
    const Function function = it == profile_.functions.end() ? Function{} : it->second;
    out_.frames.push_back({out_.strings.Intern(profile_.Text(function.name)),
                           out_.strings.Intern(profile_.Text(function.file)),
                           static_cast<std::uint32_t>(line.line)});
    return static_cast<std::uint32_t>(out_.frames.size() - 1);
  }
  const Profile& profile_;
  GoDumps& out_;
  absl::flat_hash_map<std::uint64_t, std::vector<std::uint32_t>> known_;
};

void ReadSample(std::string_view bytes, const Profile& profile, Interner& interner, GoDumps& out) {
  Reader message(bytes.data(), bytes.size());
  GoGroup group;
  std::string labels;
  bool valued = false;
  while (message.next()) {
    switch (message.tag()) {
      case 1:
        Numbers(message, [&](std::uint64_t id) { interner.AddLocation(id, group.frames); });
        break;
      case 2:
        Numbers(message, [&](std::uint64_t value) {
          if (!valued) group.count = value;
          valued = true;
        });
        break;
      case 3:
        absl::StrAppend(&labels, labels.empty() ? "" : ", ",
                        LabelText(View(message.get_view()), profile));
        break;
      default: message.skip();
    }
  }
  if (group.count == 0 || group.count > 1'000'000'000'000) return;
  group.labels = out.strings.Intern(labels);
  GoDump& dump = out.dumps.back();
  dump.count += group.count;
  dump.groups.push_back(std::move(group));
}

absl::Status ReadPlain(std::string_view bytes, std::string_view source, GoDumps& out) {
  const Profile profile = ReadProfile(bytes);
  Reader type(profile.sample_type.data(), profile.sample_type.size());
  std::string_view name;
  while (type.next()) {
    if (type.tag() == 1) {
      name = profile.Text(type.get_uint64());
    } else {
      type.skip();
    }
  }
  if (name != "goroutine" && name != "goroutineleak") {
    return absl::InvalidArgumentError(
        absl::StrCat("it is a profile of '", std::string(name.substr(0, 40)),
                     "'; needed is one of goroutines (/debug/pprof/goroutine)"));
  }
  out.dumps.emplace_back().form = "pprof";
  out.dumps.back().source = out.strings.Intern(source);
  out.dumps.back().leak_profile = name == "goroutineleak";
  Interner interner(profile, out);
  for (const std::string_view sample : profile.samples) ReadSample(sample, profile, interner, out);
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadGoPprof(std::string_view bytes, std::string_view source, GoDumps& out) {
  const std::size_t before = out.dumps.size();
  try {
    return ReadPlain(bytes, source, out);
  } catch (const protozero::exception&) {
    out.dumps.resize(before);
    return absl::InvalidArgumentError("the profile is damaged");
  }
}

}  // namespace stranded::detector
