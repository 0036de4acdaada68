// Typed channels with Go's meaning.
//
// Overview: Chan<T> is a shared handle, copied like a Go channel value. Capacity 0 is a rendezvous:
// a send returns when a receiver has the value. Sender<T> and Receiver<T> are one-way views.
// Thread safety: all operations from any task or OS thread; a thread that blocks is adopted.
// Semantics: the Go memory model. A send happens before its receive completes; the k-th receive on
// capacity C happens before the (k+C)-th send completes; a close happens before a receive that sees
// it. Waiters are served first in, first out. A nil channel blocks for ever.
// Invariants: values leave in the order they came; nothing is lost or delivered twice.
// Ownership: the last handle frees the channel and the values left in it.
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

template <class T>
class Receiver {
 public:
  using Loc = std::source_location;
  Receiver() = default;  // nil
  explicit Receiver(internal::ChanRef ref) : ref_(std::move(ref)) {}

  bool IsNil() const { return ref_.get() == nullptr; }

  // The next value; nullopt when the channel is closed and drained. Blocks.
  std::optional<T> Recv(Loc loc = Loc::current()) const { return RecvImpl(false, loc); }

  // Gives up when `ctx` ends: its Err(). OutOfRange when closed and drained. Blocks.
  absl::StatusOr<T> Recv(const Context& ctx, Loc loc = Loc::current()) const {
    internal::Room<T> room;
    internal::SelectCase cases[2];
    cases[0].op = internal::CaseOp::kRecv;
    cases[0].chan = ref_.get();
    cases[0].slot = room.raw();
    cases[0].site = loc;
    cases[1] = internal::DoneCase(ctx, loc);
    if (internal::DoSelect(cases, 2, loc) == 1) return internal::EndedStatus(ctx);
    if (!cases[0].received) return absl::OutOfRangeError("channel closed and drained");
    return *room.Take();
  }

  TryRecvResult<T> TryRecv(Loc loc = Loc::current()) const {
    internal::Room<T> room;
    TryRecvResult<T> result;
    switch (internal::ChanTryRecv(ref_.get(), room.raw(), loc)) {
      case internal::TryResult::kDone: result.value = room.Take(); break;
      case internal::TryResult::kClosed: result.closed_flag = true; break;
      case internal::TryResult::kWouldBlock: break;
    }
    return result;
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
      value_ = from_.RecvImpl(true, loc_);
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
  std::optional<T> RecvImpl(bool range, const Loc& loc) const {
    internal::Room<T> room;
    if (!internal::ChanRecv(ref_.get(), room.raw(), range, loc)) return std::nullopt;
    return room.Take();
  }
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
  void Send(T value, Loc loc = Loc::current()) const {
    internal::ChanSend(ref_.get(), std::addressof(value), loc);
  }

  // Gives up when `ctx` ends: its Err(). Blocks.
  absl::Status Send(const Context& ctx, T value, Loc loc = Loc::current()) const {
    internal::SelectCase cases[2];
    cases[0].op = internal::CaseOp::kSend;
    cases[0].chan = ref_.get();
    cases[0].slot = std::addressof(value);
    cases[0].site = loc;
    cases[1] = internal::DoneCase(ctx, loc);
    if (internal::DoSelect(cases, 2, loc) == 1) return internal::EndedStatus(ctx);
    return absl::OkStatus();
  }

  // False if it would block. Throws ClosedChannelError when closed.
  bool TrySend(T value, Loc loc = Loc::current()) const {
    return internal::ChanTrySend(ref_.get(), std::addressof(value), loc) ==
           internal::TryResult::kDone;
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
  explicit Chan(Loc loc = Loc::current()) : Chan(0, loc) {}
  explicit Chan(std::size_t capacity, Loc loc = Loc::current())
      : ref_(internal::NewChan(internal::OpsFor<T>(), capacity, loc)) {}
  static Chan Nil() { return Chan(internal::ChanRef()); }
  bool IsNil() const { return ref_.get() == nullptr; }

  void Send(T value, Loc loc = Loc::current()) const { tx().Send(std::move(value), loc); }
  std::optional<T> Recv(Loc loc = Loc::current()) const { return rx().Recv(loc); }
  absl::Status Send(const Context& ctx, T value, Loc loc = Loc::current()) const {
    return tx().Send(ctx, std::move(value), loc);
  }
  absl::StatusOr<T> Recv(const Context& ctx, Loc loc = Loc::current()) const {
    return rx().Recv(ctx, loc);
  }
  bool TrySend(T value, Loc loc = Loc::current()) const {
    return tx().TrySend(std::move(value), loc);
  }
  TryRecvResult<T> TryRecv(Loc loc = Loc::current()) const { return rx().TryRecv(loc); }
  void Close(Loc loc = Loc::current()) const { internal::ChanClose(ref_.get(), loc); }
  std::size_t size() const { return internal::ChanSize(ref_.get()); }
  std::size_t capacity() const { return internal::ChanCapacity(ref_.get()); }

  auto begin(Loc loc = Loc::current()) const { return typename Receiver<T>::Iterator(rx(), loc); }
  std::default_sentinel_t end() const { return {}; }

  operator Sender<T>() const { return Sender<T>(ref_); }      // NOLINT: one-way view
  operator Receiver<T>() const { return Receiver<T>(ref_); }  // NOLINT: one-way view
  internal::ChanCore* core() const { return ref_.get(); }
  friend bool operator==(const Chan& a, const Chan& b) { return a.core() == b.core(); }

 private:
  explicit Chan(internal::ChanRef ref) : ref_(std::move(ref)) {}
  Sender<T> tx() const { return Sender<T>(ref_); }
  Receiver<T> rx() const { return Receiver<T>(ref_); }
  internal::ChanRef ref_;
};

}  // namespace stranded

#endif  // STRANDED_RUNTIME_HOOKS_CHANNEL_H_
