// Typed channels with Go's meaning.
//
// Overview: Chan<T> is a shared handle, copied like a Go channel value. Capacity 0 is a rendezvous:
// a send returns when a receiver has the value. Sender<T> and Receiver<T> are one-way views.
// Thread safety: all operations from any task or OS thread; a thread that blocks is adopted.
// Semantics: the Go memory model. A send happens before its receive completes; the k-th receive on
// capacity C happens before the (k+C)-th send completes; a close happens before a receive that sees
// it. Waiters are served first in, first out. A nil channel blocks for ever.
// Invariants: values leave in the order they came; nothing is lost or delivered twice.
// Ownership: the last handle frees the channel and the values left in it; while tasks wait on it,
// the last of these does.
#ifndef STRANDED_RUNTIME_HOOKS_CHANNEL_H_
#define STRANDED_RUNTIME_HOOKS_CHANNEL_H_

#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "stranded/errors.h"
#include "stranded/internal/chan_ops.h"

namespace stranded {

class Context;

// The element of channels that carry no data.
struct Unit {
  friend bool operator==(Unit, Unit) { return true; }
};

namespace internal {

// Status of an operation on `ctx` that gave up, and its Done() case.
absl::Status EndedStatus(const Context& ctx);
SelectCase DoneCase(const Context& ctx, const std::source_location& site);

class ChanRef {
 public:
  ChanRef() = default;
  explicit ChanRef(ChanCore* adopted) : core_(adopted) {}
  ChanRef(const ChanRef& o) : core_(o.core_) {
    if (core_ != nullptr) RefChan(core_);
  }
  ChanRef(ChanRef&& o) noexcept : core_(std::exchange(o.core_, nullptr)) {}
  ChanRef& operator=(ChanRef o) noexcept {
    std::swap(core_, o.core_);
    return *this;
  }
  ~ChanRef() {
    if (core_ != nullptr) UnrefChan(core_);
  }
  ChanCore* get() const { return core_; }

 private:
  ChanCore* core_ = nullptr;
};

// Raw room for one value that a channel moves into.
template <class T>
class Room {
 public:
  Room() {}
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  ~Room() {}
  void* raw() { return &bytes_; }
  std::optional<T> Take() {
    T* value = std::launder(reinterpret_cast<T*>(&bytes_));
    std::optional<T> result(std::move(*value));
    value->~T();
    return result;
  }

 private:
  alignas(T) unsigned char bytes_[sizeof(T)];
};

}  // namespace internal

// What TryRecv() found: a value, nothing at the moment, or a channel closed and drained.
template <class T>
struct TryRecvResult {
  std::optional<T> value;
  bool closed_flag = false;
  bool empty() const { return !value.has_value() && !closed_flag; }
  bool closed() const { return closed_flag; }
  explicit operator bool() const { return value.has_value(); }
};

namespace internal {

// The operations on a channel of T, for the shared handle and the one-way views. They borrow the
// handle: a channel whose last handle goes while tasks wait lives on until these are gone.
template <class T>
struct On {
  using Loc = std::source_location;

  static void Send(ChanCore* chan, T& value, const Loc& loc) {
    ChanSend(chan, std::addressof(value), loc);
  }
  static std::optional<T> Recv(ChanCore* chan, bool range, const Loc& loc) {
    Room<T> room;
    if (!ChanRecv(chan, room.raw(), range, loc)) return std::nullopt;
    return room.Take();
  }
  static absl::Status Send(ChanCore* chan, const Context& ctx, T& value, const Loc& loc) {
    SelectCase cases[2];
    cases[0].op = CaseOp::kSend;
    cases[0].chan = chan;
    cases[0].slot = std::addressof(value);
    cases[0].site = loc;
    cases[1] = DoneCase(ctx, loc);
    if (DoSelect(cases, 2, loc) == 1) return EndedStatus(ctx);
    return absl::OkStatus();
  }
  static absl::StatusOr<T> Recv(ChanCore* chan, const Context& ctx, const Loc& loc) {
    Room<T> room;
    SelectCase cases[2];
    cases[0].op = CaseOp::kRecv;
    cases[0].chan = chan;
    cases[0].slot = room.raw();
    cases[0].site = loc;
    cases[1] = DoneCase(ctx, loc);
    if (DoSelect(cases, 2, loc) == 1) return EndedStatus(ctx);
    if (!cases[0].received) return absl::OutOfRangeError("channel closed and drained");
    return *room.Take();
  }
  static bool TrySend(ChanCore* chan, T& value, const Loc& loc) {
    return ChanTrySend(chan, std::addressof(value), loc) == TryResult::kDone;
  }
  static TryRecvResult<T> TryRecv(ChanCore* chan, const Loc& loc) {
    Room<T> room;
    TryRecvResult<T> result;
    switch (ChanTryRecv(chan, room.raw(), loc)) {
      case TryResult::kDone: result.value = room.Take(); break;
      case TryResult::kClosed: result.closed_flag = true; break;
      case TryResult::kWouldBlock: break;
    }
    return result;
  }
};

}  // namespace internal

template <class T>
class Receiver {
 public:
  using Element = T;
  using Loc = std::source_location;
  Receiver() = default;  // nil
  explicit Receiver(internal::ChanRef ref) : ref_(std::move(ref)) {}

  bool IsNil() const { return ref_.get() == nullptr; }

  // The next value; nullopt when the channel is closed and drained. Blocks.
  std::optional<T> Recv(Loc loc = Loc::current()) const {
    return internal::On<T>::Recv(core(), false, loc);
  }
  // Gives up when `ctx` ends: its Err(). OutOfRange when closed and drained. Blocks.
  absl::StatusOr<T> Recv(const Context& ctx, Loc loc = Loc::current()) const {
    return internal::On<T>::Recv(core(), ctx, loc);
  }
  TryRecvResult<T> TryRecv(Loc loc = Loc::current()) const {
    return internal::On<T>::TryRecv(core(), loc);
  }

  std::size_t size() const { return internal::ChanSize(ref_.get()); }
  std::size_t capacity() const { return internal::ChanCapacity(ref_.get()); }

  // Range-for receives until the channel is closed and drained.
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    Iterator(Receiver from, Loc loc) : from_(std::move(from)), loc_(loc) { ++*this; }
    T& operator*() { return *value_; }
    Iterator& operator++() {
      value_ = internal::On<T>::Recv(from_.core(), true, loc_);
      return *this;
    }
    friend bool operator!=(const Iterator& a, std::default_sentinel_t) {
      return a.value_.has_value();
    }
    friend bool operator==(const Iterator& a, std::default_sentinel_t) {
      return !a.value_.has_value();
    }

   private:
    Receiver from_;
    Loc loc_;
    std::optional<T> value_;
  };
  Iterator begin(Loc loc = Loc::current()) const { return Iterator(*this, loc); }
  std::default_sentinel_t end() const { return {}; }

  internal::ChanCore* core() const { return ref_.get(); }
  friend bool operator==(const Receiver& a, const Receiver& b) { return a.core() == b.core(); }

 private:
  internal::ChanRef ref_;
};

template <class T>
class Sender {
 public:
  using Loc = std::source_location;
  Sender() = default;  // nil
  explicit Sender(internal::ChanRef ref) : ref_(std::move(ref)) {}

  bool IsNil() const { return ref_.get() == nullptr; }

  // Blocks until the value is received or buffered. Throws ClosedChannelError when closed.
  void Send(T value, Loc loc = Loc::current()) const { internal::On<T>::Send(core(), value, loc); }
  // Gives up when `ctx` ends: its Err(). Blocks.
  absl::Status Send(const Context& ctx, T value, Loc loc = Loc::current()) const {
    return internal::On<T>::Send(core(), ctx, value, loc);
  }
  // False if it would block. Throws ClosedChannelError when closed.
  bool TrySend(T value, Loc loc = Loc::current()) const {
    return internal::On<T>::TrySend(core(), value, loc);
  }

  // Wakes every receiver. Throws ClosedChannelError on a second close or a nil channel.
  void Close(Loc loc = Loc::current()) const { internal::ChanClose(ref_.get(), loc); }

  std::size_t size() const { return internal::ChanSize(ref_.get()); }
  std::size_t capacity() const { return internal::ChanCapacity(ref_.get()); }
  internal::ChanCore* core() const { return ref_.get(); }

 private:
  internal::ChanRef ref_;
};

template <class T>
class Chan {
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "values move while the channel is locked: a throwing move would break it");

 public:
  using Loc = std::source_location;
  // Not explicit: an aggregate with a channel in it can be made with {}.
  Chan(Loc loc = Loc::current()) : Chan(0, loc) {}  // NOLINT(google-explicit-constructor)
  explicit Chan(std::size_t capacity, Loc loc = Loc::current())
      : ref_(internal::NewChan(internal::OpsFor<T>(), capacity, loc)) {}
  static Chan Nil() { return Chan(internal::ChanRef()); }
  bool IsNil() const { return ref_.get() == nullptr; }

  void Send(T value, Loc loc = Loc::current()) const { internal::On<T>::Send(core(), value, loc); }
  std::optional<T> Recv(Loc loc = Loc::current()) const {
    return internal::On<T>::Recv(core(), false, loc);
  }
  absl::Status Send(const Context& ctx, T value, Loc loc = Loc::current()) const {
    return internal::On<T>::Send(core(), ctx, value, loc);
  }
  absl::StatusOr<T> Recv(const Context& ctx, Loc loc = Loc::current()) const {
    return internal::On<T>::Recv(core(), ctx, loc);
  }
  bool TrySend(T value, Loc loc = Loc::current()) const {
    return internal::On<T>::TrySend(core(), value, loc);
  }
  TryRecvResult<T> TryRecv(Loc loc = Loc::current()) const {
    return internal::On<T>::TryRecv(core(), loc);
  }
  void Close(Loc loc = Loc::current()) const { internal::ChanClose(ref_.get(), loc); }
  std::size_t size() const { return internal::ChanSize(ref_.get()); }
  std::size_t capacity() const { return internal::ChanCapacity(ref_.get()); }

  auto begin(Loc loc = Loc::current()) const {
    return typename Receiver<T>::Iterator(Receiver<T>(ref_), loc);
  }
  std::default_sentinel_t end() const { return {}; }

  operator Sender<T>() const { return Sender<T>(ref_); }      // NOLINT: one-way view
  operator Receiver<T>() const { return Receiver<T>(ref_); }  // NOLINT: one-way view
  internal::ChanCore* core() const { return ref_.get(); }
  friend bool operator==(const Chan& a, const Chan& b) { return a.core() == b.core(); }

 private:
  explicit Chan(internal::ChanRef ref) : ref_(std::move(ref)) {}
  internal::ChanRef ref_;
};

}  // namespace stranded

#endif  // STRANDED_RUNTIME_HOOKS_CHANNEL_H_
