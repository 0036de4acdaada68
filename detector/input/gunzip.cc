#include "detector/input/gunzip.h"

#include <zlib.h>

#include <algorithm>

namespace stranded::detector {
namespace {

constexpr std::size_t kLargest = std::size_t{256} << 20;

class Inflater {
 public:
  explicit Inflater(std::string_view bytes) : bytes_(bytes) {
    started_ = inflateInit2(&stream_, 15 + 16) == Z_OK;
  }
  ~Inflater() {
    if (started_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  bool started() const { return started_; }
  // Whether all of it was unpacked. Stops where there is more than `most`, or damage.
  bool Unpack(std::size_t most, std::string& out);

 private:
  int Piece(std::string& out);
  bool NextMember();

  z_stream stream_{};
  bool started_ = false;
  std::string_view bytes_;
  std::string buffer_ = std::string(1 << 16, '\0');
};

int Inflater::Piece(std::string& out) {
  const std::size_t given = std::min<std::size_t>(bytes_.size(), 1 << 30);  // zlib counts in ints
  // zlib does not write to its input.
  stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes_.data()));
  stream_.avail_in = static_cast<uInt>(given);
  stream_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
  stream_.avail_out = static_cast<uInt>(buffer_.size());
  const int code = inflate(&stream_, Z_NO_FLUSH);
  bytes_.remove_prefix(given - stream_.avail_in);
  out.append(buffer_, 0, buffer_.size() - stream_.avail_out);
  return code;
}

// Files that were appended to each other are one: what comes second must not vanish.
bool Inflater::NextMember() { return LooksLikeGzip(bytes_) && inflateReset(&stream_) == Z_OK; }

bool Inflater::Unpack(std::size_t most, std::string& out) {
  while (out.size() <= most) {
    const int code = Piece(out);
    if (code == Z_OK) continue;
    if (code != Z_STREAM_END) return false;
    const bool padding = bytes_.find_first_not_of('\0') == bytes_.npos;
    if (padding) return true;
    if (!NextMember()) return false;
  }
  return false;
}

}  // namespace

bool LooksLikeGzip(std::string_view head) { return head.starts_with("\x1f\x8b\x08"); }

absl::StatusOr<std::string> Gunzip(std::string_view bytes) {
  Inflater inflater(bytes);
  if (!inflater.started()) return absl::InternalError("zlib does not start");
  std::string out;
  if (inflater.Unpack(kLargest, out)) return out;
  if (out.size() > kLargest) {
    return absl::ResourceExhaustedError(
        "it holds more than 256 MiB; unpack it by gunzip and give that");
  }
  return absl::InvalidArgumentError("the gzip data is damaged or cut off");
}

std::string GunzipHead(std::string_view head, std::size_t most) {
  Inflater inflater(head);
  std::string out;
  if (inflater.started()) inflater.Unpack(most, out);
  return out;
}

}  // namespace stranded::detector
