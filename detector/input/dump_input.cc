#include "detector/input/dump_input.h"

#include <unistd.h>

#include <cerrno>

namespace stranded::detector {

InputFile::~InputFile() { close(fd_); }

std::string_view DumpInput::Farther(std::uint64_t at, std::size_t want) {
  constexpr std::size_t kWindow = std::size_t{1} << 20;
  if (at >= size_) return {};
  want = static_cast<std::size_t>(std::min<std::uint64_t>(want, size_ - at));
  if (file_ == nullptr) return view_.substr(static_cast<std::size_t>(at), want);
  if (const std::size_t room = std::max(want, kWindow); room > room_) {
    window_ = std::make_unique_for_overwrite<char[]>(room);
    room_ = room;
  }
  const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(room_, size_ - at));
  std::size_t got = 0;
  while (got < most) {
    const ssize_t n =
        pread(file_->fd(), window_.get() + got, most - got, static_cast<off_t>(at + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) error_ = errno;
    if (n <= 0) break;
    got += static_cast<std::size_t>(n);
  }
  view_ = {window_.get(), got};
  from_ = at;
  return view_.substr(0, want);
}

}  // namespace stranded::detector
