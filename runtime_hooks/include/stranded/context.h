// Contexts: an immutable tree that carries cancellation, deadlines and values, with Go's meaning.
//
// Overview: every With... call makes a child. The end of a node (cancel, timeout, deadline) goes
// down to all below it, never up. Done() is a channel to listen on inside Select; Err() says why it
// ended. A context is for what belongs to a request as a whole, not a bag of parameters. Thread
// safety: everything from any task or OS thread; cancel functions may be called many times.
// Invariants: a context ends at most once. When Err() is not Ok, Done() is closed, and the other
// way round. A child's deadline is never later than its parent's. Ownership: a handle keeps its
// node and all nodes above. A pending timeout keeps the node until it fires or the cancel function
// is called: not calling it is the leak called lost-cancel.
#ifndef STRANDED_RUNTIME_HOOKS_CONTEXT_H_
#define STRANDED_RUNTIME_HOOKS_CONTEXT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "stranded/channel.h"

namespace stranded {

namespace internal {
struct ContextNode;
struct AfterFuncEntry;

// Each key type has an address of its own: no two keys can collide, whatever they are called.
template <class Key>
inline constexpr char kKeyAddress = 0;

const void* FindValue(const ContextNode* node, const void* key);

// Room for a value in its context's node; others have a place of their own.
inline constexpr std::size_t kValueRoom = 64, kValueAlign = 8;
template <class Value>
inline constexpr bool kFitsNode =  // NOLINTNEXTLINE(misc-redundant-expression): not for each Value
    sizeof(Value) <= kValueRoom && alignof(Value) <= kValueAlign &&
    std::is_nothrow_move_constructible_v<Value>;

// What a value node needs to know of its type.
struct ValueType {
  const void* key;
  const std::type_info* key_type;
  void (*move)(void* to, void* from);  // into the node; nullptr: it has a place of its own
  void (*destroy)(void*);              // nullptr: nothing to do
  std::size_t bytes;
  bool printable;
};
template <class Key, class Value>
inline constexpr ValueType kValueType = [] {
  ValueType type{&kKeyAddress<Key>, &typeid(Key), nullptr, nullptr, sizeof(Value), false};
  if constexpr (requires { requires Key::kPrintable; }) type.printable = true;
  if constexpr (!kFitsNode<Value>) {
    type.destroy = [](void* p) { delete static_cast<Value*>(p); };
  } else {
    type.move = [](void* to, void* from) {
      ::new (to) Value(std::move(*static_cast<Value*>(from)));
    };
    if constexpr (!std::is_trivially_destructible_v<Value>) {
      type.destroy = [](void* p) { static_cast<Value*>(p)->~Value(); };
    }
  }
  return type;
}();
// `value` is moved from, or handed over if it has a place of its own. `text` may be null.
Context MakeValueContext(const Context& parent, const ValueType& type, void* value,
                         std::string* text, const std::source_location& loc);
}  // namespace internal

class Context {
 public:
  Context();  // Background()
  explicit Context(internal::ContextNode* adopted) : node_(adopted) {}
  Context(const Context& other);
  Context(Context&& other) noexcept;  // leaves Background() behind: a context is never null
  Context& operator=(Context other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~Context();

  // Closed when the context ends; a nil channel if it can never end. Valid as long as the handle.
  const Receiver<Unit>& Done() const;
  // Ok, CancelledError or DeadlineExceededError.
  absl::Status Err() const;
  // The cause that was given to the cancel function that ended it, else Err().
  absl::Status Cause() const;
  // The earliest deadline of this context and those above, on the runtime's clock.
  std::optional<absl::Time> Deadline() const;

  // The value of the nearest node above that was made with this key type, or nullptr. `Key` is a
  // type, private to whoever owns the value; it names its `Value` type.
  template <class Key>
  const typename Key::Value* Value() const {
    return static_cast<const typename Key::Value*>(
        internal::FindValue(node_, &internal::kKeyAddress<Key>));
  }

  internal::ContextNode* node() const { return node_; }
  friend bool operator==(const Context& a, const Context& b) { return a.node_ == b.node_; }

 private:
  internal::ContextNode* node_;
};

Context Background();
// For code that does not yet know which context it should use.
Context TODO();

namespace internal {
// A copy of a context's cancel right; all copies together own one reference of the context. When
// the last copy goes without a call, that is noted.
class CancelRef {
 public:
  CancelRef() = default;
  explicit CancelRef(ContextNode* made) : node_(made) {}  // takes over what MakeNode counted
  CancelRef(const CancelRef& other);
  CancelRef(CancelRef&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  CancelRef& operator=(CancelRef other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~CancelRef();
  void Cancel(const absl::Status& cause, const std::source_location& loc) const;

 private:
  ContextNode* node_ = nullptr;
};
}  // namespace internal

// Ends its context; only the first call counts. Does not wait for the tasks that listen.
class CancelFunc {
 public:
  CancelFunc() = default;
  explicit CancelFunc(internal::CancelRef ref) : ref_(std::move(ref)) {}
  void operator()(std::source_location loc = std::source_location::current()) const {
    ref_.Cancel(absl::OkStatus(), loc);
  }

 private:
  internal::CancelRef ref_;
};

// The same with a cause, which Cause() returns. An Ok cause stands for Err().
class CancelCauseFunc {
 public:
  CancelCauseFunc() = default;
  explicit CancelCauseFunc(internal::CancelRef ref) : ref_(std::move(ref)) {}
  void operator()(const absl::Status& cause,
                  std::source_location loc = std::source_location::current()) const {
    ref_.Cancel(cause, loc);
  }

 private:
  internal::CancelRef ref_;
};

std::pair<Context, CancelFunc> WithCancel(
    const Context& parent, std::source_location loc = std::source_location::current());
std::pair<Context, CancelCauseFunc> WithCancelCause(
    const Context& parent, std::source_location loc = std::source_location::current());
std::pair<Context, CancelFunc> WithTimeout(
    const Context& parent, absl::Duration timeout,
    std::source_location loc = std::source_location::current());
std::pair<Context, CancelFunc> WithDeadline(
    const Context& parent, absl::Time deadline,
    std::source_location loc = std::source_location::current());

// The same with what Cause() returns once the time is over (Go 1.21). It does not matter to a
// cancellation.
std::pair<Context, CancelFunc> WithTimeoutCause(
    const Context& parent, absl::Duration timeout, const absl::Status& cause,
    std::source_location loc = std::source_location::current());
std::pair<Context, CancelFunc> WithDeadlineCause(
    const Context& parent, absl::Time deadline, const absl::Status& cause,
    std::source_location loc = std::source_location::current());

// Keeps the values, not the end: a child that outlives its parent's cancellation.
Context WithoutCancel(const Context& parent,
                      std::source_location loc = std::source_location::current());

// A child that carries `value` under the key type. A key with `static constexpr bool kPrintable =
// true` lets reports print the value; it must then be something absl::StrCat takes.
template <class Key>
Context WithValue(const Context& parent, typename Key::Value value,
                  std::source_location loc = std::source_location::current()) {
  using Value = typename Key::Value;
  const internal::ValueType& type = internal::kValueType<Key, Value>;
  const auto make = [&](std::string* text) {
    void* place = &value;
    if constexpr (!internal::kFitsNode<Value>) place = new Value(std::move(value));
    return internal::MakeValueContext(parent, type, place, text, loc);
  };
  if constexpr (requires { requires Key::kPrintable; }) {
    std::string text = absl::StrCat(value);
    return make(&text);
  } else {
    return make(nullptr);
  }
}

// Keeps AfterFunc's function from running. True if this call did; false if it runs or has run, or
// was stopped before.
class StopFunc {
 public:
  StopFunc() = default;
  explicit StopFunc(std::shared_ptr<internal::AfterFuncEntry> entry) : entry_(std::move(entry)) {}
  bool operator()() const;

 private:
  std::shared_ptr<internal::AfterFuncEntry> entry_;
};

// Runs `f` in a task of its own when `ctx` has ended; at once if it already has. The task sees the
// values of `ctx` but not its end.
StopFunc AfterFunc(const Context& ctx, std::function<void()> f,
                   std::source_location loc = std::source_location::current());

}  // namespace stranded

#endif  // STRANDED_RUNTIME_HOOKS_CONTEXT_H_
