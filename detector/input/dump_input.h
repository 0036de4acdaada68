// The bytes of a dump: all in memory, or those of a file through a window.
//
// Overview: who walks through a file needs a packet at a time; a window of a megabyte moves along.
// Thread safety: one thread for each object; Again() gives another its own. Errors: a file that
// became shorter, or cannot be read, has fewer bytes than size() says.
#ifndef STRANDED_DETECTOR_INPUT_DUMP_INPUT_H_
#define STRANDED_DETECTOR_INPUT_DUMP_INPUT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace stranded::detector {

// Owns the descriptor.
class InputFile {
 public:
  explicit InputFile(int fd) : fd_(fd) {}
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

class DumpInput {
 public:
  // The bytes must outlive this and what Again() gives.
  explicit DumpInput(std::string_view bytes) : view_(bytes), size_(bytes.size()) {}
  DumpInput(std::shared_ptr<const InputFile> file, std::uint64_t size)
      : file_(std::move(file)), size_(size) {}
  DumpInput Again() const { return file_ == nullptr ? DumpInput(view_) : DumpInput(file_, size_); }

  std::uint64_t size() const { return size_; }
  // What At() gives stays valid; else only until the next call.
  bool in_memory() const { return file_ == nullptr; }
  // The errno of a read that failed, or 0.
  int error() const { return error_; }
  // Bytes at that place, fewer only where they end.
  std::string_view At(std::uint64_t at, std::size_t want) {
    if (at < from_ || at + want > from_ + view_.size()) return Farther(at, want);
    return view_.substr(static_cast<std::size_t>(at - from_), want);
  }

 private:
  std::string_view Farther(std::uint64_t at, std::size_t want);

  std::shared_ptr<const InputFile> file_;
  std::unique_ptr<char[]> window_;
  std::size_t room_ = 0;
  std::string_view view_;   // what is at hand
  std::uint64_t from_ = 0;  // where it begins
  std::uint64_t size_ = 0;
  int error_ = 0;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_DUMP_INPUT_H_
