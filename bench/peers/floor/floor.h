// The least a single-threaded task system can do: what the machine allows, not a runtime.
//
// Overview: fibers on one thread, newest first, with channels, a mutex and a wait group in outline:
// no locks, no checks, no recording, no guard pages, no exceptions.
// Thread safety: none; everything happens on one thread.
// Invariants: a task is running, in the ready list, or in one list of waiters.
// Ownership: a finished task gives its stack to the next one; nothing is unmapped.
#ifndef STRANDED_BENCH_PEERS_FLOOR_FLOOR_H_
#define STRANDED_BENCH_PEERS_FLOOR_FLOOR_H_

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

namespace peers::floor {

struct Task {
  void* stack_pointer;
  Task* next;
  std::int64_t slot;  // what a channel hands over
  bool ok;            // false: the channel was closed
  void (*run)(Task*);
  alignas(16) unsigned char closure[64];
};

struct List {
  Task* first = nullptr;
  Task* last = nullptr;
  bool empty() const { return first == nullptr; }
  void PushBack(Task* t) {
    t->next = nullptr;
    (empty() ? first : last->next) = t;
    last = t;
  }
  void PushFront(Task* t) {
    if (empty()) last = t;
    t->next = first;
    first = t;
  }
  Task* Pop() {
    Task* t = first;
    first = t->next;
    return t;
  }
};

extern Task* current;
extern List ready;
extern std::size_t ready_count;

Task* NewTask();
// Runs the next ready task; returns when the current one has been made ready and is next again.
void SwitchAway();
[[noreturn]] void Finish();

inline void Ready(Task* t) {
  ++ready_count;
  ready.PushFront(t);
}
inline void Yield() {
  ++ready_count;
  ready.PushBack(current);
  SwitchAway();
}
inline void Park(List& waiters) {
  waiters.PushBack(current);
  SwitchAway();
}

template <class F>
void Go(F fn) {
  static_assert(sizeof(F) <= sizeof(Task::closure));
  Task* t = NewTask();
  ::new (static_cast<void*>(t->closure)) F(std::move(fn));
  t->run = [](Task* self) { (*std::launder(reinterpret_cast<F*>(self->closure)))(); };
  Ready(t);
  if (ready_count > 1000) Yield();  // whoever spawns a million does not keep all of them
}

class Channel {
 public:
  explicit Channel(std::size_t capacity = 0) : ring_(capacity) {}
  void Send(std::int64_t v) {
    if (!receivers_.empty()) return Wake(receivers_.Pop(), v, true);
    if (count_ < ring_.size()) {
      ring_[tail_] = v;
      if (++tail_ == ring_.size()) tail_ = 0;
      ++count_;
      return;
    }
    current->slot = v;
    Park(senders_);
  }
  bool Recv(std::int64_t* v) {
    if (count_ > 0) {
      *v = ring_[head_];
      if (++head_ == ring_.size()) head_ = 0;
      --count_;
      if (!senders_.empty()) Refill();
      return true;
    }
    if (!senders_.empty()) {
      Task* sender = senders_.Pop();
      *v = sender->slot;
      Ready(sender);
      return true;
    }
    if (closed_) return false;
    Park(receivers_);
    *v = current->slot;
    return current->ok;
  }
  void Close() {
    closed_ = true;
    while (!receivers_.empty()) Wake(receivers_.Pop(), 0, false);
  }

 private:
  static void Wake(Task* t, std::int64_t v, bool ok) {
    t->slot = v;
    t->ok = ok;
    Ready(t);
  }
  void Refill() {
    Task* sender = senders_.Pop();
    ring_[tail_] = sender->slot;
    if (++tail_ == ring_.size()) tail_ = 0;
    ++count_;
    Ready(sender);
  }
  std::vector<std::int64_t> ring_;
  std::size_t head_ = 0, tail_ = 0, count_ = 0;
  bool closed_ = false;
  List senders_, receivers_;
};

class Mutex {
 public:
  void Lock() {
    if (held_) return Park(waiters_);
    held_ = true;
  }
  void Unlock() {
    if (waiters_.empty()) {
      held_ = false;
    } else {
      Ready(waiters_.Pop());
    }
  }

 private:
  bool held_ = false;
  List waiters_;
};

class WaitGroup {
 public:
  void Add(std::int64_t n) { count_ += n; }
  void Done() {
    if (--count_ == 0 && !waiters_.empty()) Ready(waiters_.Pop());
  }
  void Wait() {
    if (count_ != 0) Park(waiters_);
  }

 private:
  std::int64_t count_ = 0;
  List waiters_;
};

}  // namespace peers::floor

#endif  // STRANDED_BENCH_PEERS_FLOOR_FLOOR_H_
