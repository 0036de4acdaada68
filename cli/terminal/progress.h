// A line on standard error that says what takes so long.
//
// Overview: nothing is shown on anything but a terminal, nor in the first half second; the line is
// wiped when the work ends. Thread safety: one Progress at a time. Invariants: a program must not
// be forked while one lives, since its thread would not be in the child. Ownership: the thread ends
// with the object.
#ifndef STRANDED_CLI_TERMINAL_PROGRESS_H_
#define STRANDED_CLI_TERMINAL_PROGRESS_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace stranded::cli {

class Progress {
 public:
  // `what` is asked each time the line is drawn, from another thread: "reading big.strd".
  explicit Progress(std::function<std::string()> what);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  void Draw();

  std::function<std::string()> what_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::thread thread_;  // none where nothing is shown
};

}  // namespace stranded::cli

#endif  // STRANDED_CLI_TERMINAL_PROGRESS_H_
