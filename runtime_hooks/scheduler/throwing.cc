#include "runtime_hooks/scheduler/throwing.h"

#include <unwind.h>

#include <cstdint>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <typeinfo>

#include "stranded/errors.h"

namespace stranded::internal {
namespace {

// The tables of the Itanium C++ ABI, as GCC and clang write them.
class Reader {
 public:
  explicit Reader(const std::uint8_t* at) : at_(at) {}
  const std::uint8_t* at() const { return at_; }
  std::uint8_t Byte() { return *at_++; }
  std::uint64_t Uleb() {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const std::uint8_t byte = Byte();
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
  }
  std::int64_t Sleb() {
    std::int64_t value = 0;
    for (int shift = 0;;) {
      const std::uint8_t byte = Byte();
      value |= static_cast<std::int64_t>(byte & 0x7f) << shift;
      shift += 7;
      if ((byte & 0x80) != 0) continue;
      if (shift < 64 && (byte & 0x40) != 0) value |= -(std::int64_t{1} << shift);
      return value;
    }
  }
  // By the low four bits of an encoding; false if it is none that is known here.
  bool Value(std::uint8_t encoding, std::int64_t* value) {
    switch (encoding & 0x0f) {
      case 0x01: *value = static_cast<std::int64_t>(Uleb()); return true;
      case 0x09: *value = Sleb(); return true;
      case 0x03: *value = Fixed<std::uint32_t>(); return true;
      case 0x0b: *value = Fixed<std::int32_t>(); return true;
      case 0x00:
      case 0x04:
      case 0x0c: *value = Fixed<std::int64_t>(); return true;
      default: return false;
    }
  }

 private:
  template <class T>
  std::int64_t Fixed() {
    T value;
    std::memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return static_cast<std::int64_t>(value);
  }
  const std::uint8_t* at_;
};

constexpr std::uint8_t kOmit = 0xff, kPcRel = 0x10, kIndirect = 0x80;

bool Catches(const std::type_info* type) {
  if (type == nullptr) return true;  // everything
  return *type == typeid(GlobalDeadlockError) || *type == typeid(std::runtime_error) ||
         *type == typeid(std::exception);
}

enum class Frame { kPasses, kCatches, kEnds };

// What becomes of an exception in a frame whose tables are at `lsda`, `offset` bytes behind the
// beginning of its function.
Frame Look(const std::uint8_t* lsda, std::uint64_t offset) {
  Reader r(lsda);
  std::int64_t value = 0;
  if (const std::uint8_t lp_start = r.Byte(); lp_start != kOmit && !r.Value(lp_start, &value)) {
    return Frame::kCatches;
  }
  const std::uint8_t type_encoding = r.Byte();
  const std::uint8_t* types = nullptr;
  if (type_encoding != kOmit) {
    const std::uint64_t distance = r.Uleb();
    types = r.at() + distance;
  }
  const std::uint8_t site_encoding = r.Byte();
  const std::uint64_t length = r.Uleb();
  const std::uint8_t* const actions = r.at() + length;
  while (r.at() < actions) {
    std::int64_t start = 0, size = 0, pad = 0;
    if (!r.Value(site_encoding, &start) || !r.Value(site_encoding, &size) ||
        !r.Value(site_encoding, &pad)) {
      return Frame::kCatches;
    }
    const std::uint64_t action = r.Uleb();
    if (offset < static_cast<std::uint64_t>(start)) return Frame::kEnds;
    if (offset >= static_cast<std::uint64_t>(start + size)) continue;
    if (pad == 0 || action == 0) return Frame::kPasses;
    Reader a(actions + action - 1);
    for (;;) {
      const std::int64_t filter = a.Sleb();
      const std::uint8_t* const next_at = a.at();
      const std::int64_t next = a.Sleb();
      if (filter < 0) return Frame::kCatches;  // an old exception specification: not looked into
      if (filter > 0) {
        const int width = (type_encoding & 0x0f) == 0x03 || (type_encoding & 0x0f) == 0x0b ? 4 : 8;
        const std::uint8_t* const entry = types - filter * width;
        Reader t(entry);
        if (!t.Value(type_encoding, &value)) return Frame::kCatches;
        std::uintptr_t type = static_cast<std::uintptr_t>(value);
        if (type != 0) {
          if ((type_encoding & 0x70) == kPcRel) type += reinterpret_cast<std::uintptr_t>(entry);
          if ((type_encoding & kIndirect) != 0)
            std::memcpy(&type, reinterpret_cast<void*>(type), 8);
        }
        if (Catches(reinterpret_cast<const std::type_info*>(type))) return Frame::kCatches;
      }
      if (next == 0) return Frame::kPasses;
      a = Reader(next_at + next);
    }
  }
  return Frame::kEnds;  // no place of this function may let an exception pass
}

_Unwind_Reason_Code Step(_Unwind_Context* context, void* arg) {
  const auto* const lsda = static_cast<const std::uint8_t*>(
      reinterpret_cast<void*>(_Unwind_GetLanguageSpecificData(context)));
  if (lsda == nullptr) return _URC_NO_REASON;
  int before = 0;
  std::uintptr_t ip = _Unwind_GetIPInfo(context, &before);
  if (before == 0) --ip;
  const Frame frame = Look(lsda, ip - _Unwind_GetRegionStart(context));
  if (frame == Frame::kPasses) return _URC_NO_REASON;
  *static_cast<bool*>(arg) = frame == Frame::kCatches;
  return _URC_END_OF_STACK;
}

}  // namespace

bool MayThrow() {
  bool may = true;
  _Unwind_Backtrace(&Step, &may);
  return may;
}

}  // namespace stranded::internal
