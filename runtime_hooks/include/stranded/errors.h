// The exceptions of the runtime: only where Go panics, and for worlds that have come to an end.
#ifndef STRANDED_RUNTIME_HOOKS_ERRORS_H_
#define STRANDED_RUNTIME_HOOKS_ERRORS_H_

#include <stdexcept>
#include <string>

namespace stranded {

// Send on a closed channel, close of a closed or nil channel.
class ClosedChannelError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// Thrown in the main task of a world in which nothing can run any more.
class GlobalDeadlockError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Misuse that Go ends the process for: unlock of an unlocked lock, negative WaitGroup counter.
class MisuseError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// No stack or memory for another task. The text names the limit that was met.
class ResourceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace stranded

#endif  // STRANDED_RUNTIME_HOOKS_ERRORS_H_
