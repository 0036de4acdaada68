#include "detector/input/go_records.h"

#include <cstring>

#include "absl/numeric/int128.h"
#include "detector/input/go_lines.h"

namespace stranded::detector {
namespace {

constexpr std::string_view kCreated = "created by ", kIn = " in goroutine ",
                           kAncestor = "[originating from goroutine ";
constexpr std::uint64_t kSalt1 = 0x9e3779b97f4a7c15, kSalt2 = 0xc2b2ae3d27d4eb4f;

std::uint64_t Load8(const char* at) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

inline std::uint64_t Folded(std::uint64_t x, std::uint64_t y) {
  const absl::uint128 product = absl::uint128(x) * y;
  return absl::Uint128Low64(product) ^ absl::Uint128High64(product);
}

inline void MixPair(GoRecordHash& hash, std::uint64_t x, std::uint64_t y) {
  hash.a = Folded(hash.a ^ x ^ kSalt1, y ^ kSalt2);
  hash.b = (hash.b ^ x) * kSalt2 + (y ^ hash.b >> 29);
}

// Inlined into the scan: it is called for each line.
inline void MixText(GoRecordHash& hash, std::string_view text) {
  const char* at = text.data();
  std::size_t left = text.size();
  hash.a += left * kSalt1;
  hash.b += left * kSalt2;
  if (left >= 16) {
    for (; left > 16; left -= 16, at += 16) MixPair(hash, Load8(at), Load8(at + 8));
    at = text.data() + text.size() - 16;
    MixPair(hash, Load8(at), Load8(at + 8));
  } else if (left >= 8) {
    MixPair(hash, Load8(at), Load8(at + left - 8));
  } else {
    char padded[8] = {};
    std::memcpy(padded, at, left);
    MixPair(hash, Load8(padded), kSalt1);
  }
}

// Digits off the front, 18 at most.
bool TakeId(const char*& at, const char* end, std::uint64_t& number) {
  const char* const begin = at;
  number = 0;
  while (at < end && at - begin < 18 && IsDigit(*at)) {
    number = number * 10 + static_cast<std::uint64_t>(*at++ - '0');
  }
  return at != begin && (at == end || !IsDigit(*at));
}

// "chan send, 5 minutes, locked to thread": everything but the minutes is hashed.
bool ScanState(std::string_view inside, GoRecord& out) {
  while (true) {
    const std::size_t comma = inside.find(", ");
    if (comma == inside.npos) break;
    MixText(out.hash, inside.substr(0, comma));
    inside.remove_prefix(comma + 2);
    if (inside.empty() || !IsDigit(inside.front())) continue;
    const char* at = inside.data();
    std::uint64_t minutes = 0;
    if (!TakeId(at, inside.data() + inside.size(), minutes)) return false;
    inside.remove_prefix(static_cast<std::size_t>(at - inside.data()));
    if (!inside.starts_with(" minutes")) return false;
    inside.remove_prefix(8);
    out.minutes = static_cast<std::uint32_t>(minutes);
    if (inside.empty()) return true;
    if (!inside.starts_with(", ")) return false;
    inside.remove_prefix(2);
  }
  MixText(out.hash, inside);
  return true;
}

bool ScanHeader(std::string_view line, GoRecord& out) {
  const char* at = line.data() + kGoroutine.size();
  const char* const end = line.data() + line.size();
  if (!TakeId(at, end, out.id) || end - at < 4 || at[0] != ' ' || at[1] != '[') return false;
  at += 2;
  const auto* close =
      static_cast<const char*>(std::memchr(at, ']', static_cast<std::size_t>(end - at)));
  if (close == nullptr || end[-1] != ':') return false;
  if (!ScanState({at, static_cast<std::size_t>(close - at)}, out)) return false;
  if (close + 2 == end) return true;
  if (close[1] != ' ' || close[2] != '{' || end[-2] != '}') return false;
  out.labels = {close + 2, static_cast<std::size_t>(end - close - 3)};
  return true;
}

void ScanCreator(std::string_view line, GoRecord& out) {
  const std::size_t in = line.rfind(kIn);
  if (in != line.npos) {
    const char* at = line.data() + in + kIn.size();
    std::uint64_t id = 0;
    if (out.creator == 0 && TakeId(at, line.data() + line.size(), id)) out.creator = id;
    line = line.substr(0, in);
  }
  MixText(out.hash, line);
}

}  // namespace

GoScan ScanGoRecord(std::string_view text, GoRecord& out) {
  out = {};
  const char* at = text.data();
  const char* const end = at + text.size();
  bool pointers = false, ancestor = false;
  for (int number = 0;; ++number) {
    const auto* stop =
        static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    if (stop == nullptr) return GoScan::kIncomplete;
    std::string_view line(at, static_cast<std::size_t>(stop - at));
    at = stop + 1;
    if (line.empty()) break;
    if (number == 0) {
      if (!ScanHeader(line, out)) return GoScan::kOther;
      continue;
    }
    const char last = line.back();
    if (line[0] == '\t') {
      if (number == 2) pointers = line.find(" fp=0x") != line.npos;
      if (pointers) line = line.substr(0, line.find(" fp=0x"));
      if (last == '\r') return GoScan::kOther;
      MixText(out.hash, line);
    } else if (last == ')') {
      const auto* open = static_cast<const char*>(memrchr(line.data(), '(', line.size()));
      if (open == nullptr) return GoScan::kOther;
      MixText(out.hash, {line.data(), static_cast<std::size_t>(open - line.data())});
    } else if (line.starts_with(kCreated)) {
      if (ancestor) {
        MixText(out.hash, line);
      } else {
        ScanCreator(line, out);
      }
    } else if (line.starts_with(kAncestor)) {
      const char* id = line.data() + kAncestor.size();
      if (!ancestor && out.creator == 0) TakeId(id, stop, out.creator);
      ancestor = true;
      MixText(out.hash, "[");
    } else if (last == '\r' || line.starts_with(kGoroutine)) {
      return GoScan::kOther;
    } else {
      MixText(out.hash, line);
    }
  }
  out.size = static_cast<std::size_t>(at - text.data());
  return GoScan::kWhole;
}

}  // namespace stranded::detector
