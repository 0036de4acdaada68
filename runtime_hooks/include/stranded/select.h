// Select: wait for the first of several channel operations, with Go's meaning.
//
// Overview: Select(OnRecv(...), OnSend(...), OnDone(...), Default(...)) takes one case that is
// ready, uniformly among the ready ones, runs its handler and returns its index. Without a Default
// it blocks until one is. Cases on nil channels are never ready. SelectSet holds cases built at run
// time. Thread safety: from any task or OS thread. A SelectSet is used by one task at a time.
// Invariants: exactly one case happens; the channels of the others are left as they were.
// Errors: ClosedChannelError if the case taken is a send on a closed channel.
// Ownership: a case made from a named channel or context borrows it for the select; one made from a
// temporary, and each case in a set, holds a handle of its own.
#ifndef STRANDED_RUNTIME_HOOKS_SELECT_H_
#define STRANDED_RUNTIME_HOOKS_SELECT_H_

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "stranded/channel.h"
#include "stranded/context.h"

namespace stranded {
namespace internal {

struct NoHandler {
  void operator()() const {}
};

// A channel or context that the caller keeps.
template <class T>
struct Borrowed {
  const T* place;
  const T& get() const { return *place; }
  T Own() const { return *place; }
};
// One that the case keeps.
template <class T>
struct Owned {
  T value;
  const T& get() const { return value; }
  T Own() const { return value; }
};

template <class T, class F, class Channel>
struct RecvCase {
  using Storage = Room<T>;
  Channel channel;
  F handler;
  std::source_location site;

  auto Owning() && {
    using Kept = Owned<std::decay_t<decltype(channel.get())>>;
    return RecvCase<T, F, Kept>{{channel.Own()}, std::move(handler), site};
  }
  void Fill(SelectCase& c, Storage& room) {
    c.op = CaseOp::kRecv;
    c.chan = channel.get().core();
    c.slot = room.raw();
    c.site = site;
  }
  void Run(SelectCase& c, Storage& room) {
    std::optional<T> value;
    if (c.received) value = room.Take();
    if constexpr (std::is_invocable_v<F&, std::optional<T>>) {
      handler(std::move(value));
    } else {
      handler();
    }
  }
};

template <class T, class F, class Channel>
struct SendCase {
  using Storage = std::optional<T>;
  Channel channel;
  T value;
  F handler;
  std::source_location site;

  auto Owning() && {
    using Kept = Owned<std::decay_t<decltype(channel.get())>>;
    return SendCase<T, F, Kept>{{channel.Own()}, std::move(value), std::move(handler), site};
  }
  // The value is copied where it can be, so that a case in a SelectSet can be sent again.
  void Fill(SelectCase& c, Storage& storage) {
    if constexpr (std::is_copy_constructible_v<T>) {
      storage.emplace(value);
    } else {
      storage.emplace(std::move(value));
    }
    c.op = CaseOp::kSend;
    c.chan = channel.get().core();
    c.slot = std::addressof(*storage);
    c.site = site;
  }
  void Run(SelectCase&, Storage&) { handler(); }
};

struct NoStorage {};

template <class F, class Ctx>
struct DoneCaseOf {
  using Storage = NoStorage;
  Ctx context;
  F handler;
  std::source_location site;
  auto Owning() && {
    return DoneCaseOf<F, Owned<Context>>{{context.Own()}, std::move(handler), site};
  }
  void Fill(SelectCase& c, Storage&) { c = DoneCase(context.get(), site); }
  void Run(SelectCase&, Storage&) { handler(); }
};

template <class F>
struct DefaultCase {
  using Storage = NoStorage;
  F handler;
  std::source_location site;
  DefaultCase Owning() && { return std::move(*this); }
  void Fill(SelectCase& c, Storage&) {
    c.op = CaseOp::kDefault;
    c.site = site;
  }
  void Run(SelectCase&, Storage&) { handler(); }
};

template <class C>
concept IsSelectCase = requires { typename std::decay_t<C>::Storage; };

}  // namespace internal

// `handler` takes std::optional<T> (nullopt: closed and drained) or nothing.
template <class T, class F = internal::NoHandler>
auto OnRecv(const Chan<T>& channel, F handler = {},
            std::source_location loc = std::source_location::current()) {
  return internal::RecvCase<T, F, internal::Borrowed<Chan<T>>>{
      {std::addressof(channel)}, std::move(handler), loc};
}
template <class T, class F = internal::NoHandler>
auto OnRecv(Chan<T>&& channel, F handler = {},
            std::source_location loc = std::source_location::current()) {
  return internal::RecvCase<T, F, internal::Owned<Chan<T>>>{
      {std::move(channel)}, std::move(handler), loc};
}
template <class T, class F = internal::NoHandler>
auto OnRecv(const Receiver<T>& channel, F handler = {},
            std::source_location loc = std::source_location::current()) {
  return internal::RecvCase<T, F, internal::Borrowed<Receiver<T>>>{
      {std::addressof(channel)}, std::move(handler), loc};
}
template <class T, class F = internal::NoHandler>
auto OnRecv(Receiver<T>&& channel, F handler = {},
            std::source_location loc = std::source_location::current()) {
  return internal::RecvCase<T, F, internal::Owned<Receiver<T>>>{
      {std::move(channel)}, std::move(handler), loc};
}

template <class T, class F = internal::NoHandler>
auto OnSend(const Chan<T>& channel, std::type_identity_t<T> value, F handler = {},
            std::source_location loc = std::source_location::current()) {
  return internal::SendCase<T, F, internal::Borrowed<Chan<T>>>{
      {std::addressof(channel)}, std::move(value), std::move(handler), loc};
}
template <class T, class F = internal::NoHandler>
auto OnSend(Chan<T>&& channel, std::type_identity_t<T> value, F handler = {},
            std::source_location loc = std::source_location::current()) {
  return internal::SendCase<T, F, internal::Owned<Chan<T>>>{
      {std::move(channel)}, std::move(value), std::move(handler), loc};
}
template <class T, class F = internal::NoHandler>
auto OnSend(const Sender<T>& channel, std::type_identity_t<T> value, F handler = {},
            std::source_location loc = std::source_location::current()) {
  return internal::SendCase<T, F, internal::Borrowed<Sender<T>>>{
      {std::addressof(channel)}, std::move(value), std::move(handler), loc};
}
template <class T, class F = internal::NoHandler>
auto OnSend(Sender<T>&& channel, std::type_identity_t<T> value, F handler = {},
            std::source_location loc = std::source_location::current()) {
  return internal::SendCase<T, F, internal::Owned<Sender<T>>>{
      {std::move(channel)}, std::move(value), std::move(handler), loc};
}

// Ready when `context` has ended.
template <class F = internal::NoHandler>
auto OnDone(const Context& context, F handler = {},
            std::source_location loc = std::source_location::current()) {
  return internal::DoneCaseOf<F, internal::Borrowed<Context>>{
      {std::addressof(context)}, std::move(handler), loc};
}
template <class F = internal::NoHandler>
auto OnDone(Context&& context, F handler = {},
            std::source_location loc = std::source_location::current()) {
  return internal::DoneCaseOf<F, internal::Owned<Context>>{
      {std::move(context)}, std::move(handler), loc};
}

// Taken when no other case is ready.
template <class F = internal::NoHandler>
internal::DefaultCase<F> Default(F handler = {},
                                 std::source_location loc = std::source_location::current()) {
  return {std::move(handler), loc};
}

// Blocks for ever: it has no case.
[[noreturn]] void Select(std::source_location loc = std::source_location::current());

template <class... Cases>
  requires(sizeof...(Cases) > 0 && (internal::IsSelectCase<Cases> && ...))
std::size_t Select(Cases&&... cases) {
  std::array<internal::SelectCase, sizeof...(Cases)> raw;
  std::tuple<typename std::decay_t<Cases>::Storage...> storage;
  auto refs = std::forward_as_tuple(cases...);
  std::size_t taken = 0;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (std::get<I>(refs).Fill(raw[I], std::get<I>(storage)), ...);
    taken = internal::DoSelect(raw.data(), raw.size(), raw[0].site);
    ((I == taken ? std::get<I>(refs).Run(raw[I], std::get<I>(storage)) : void()), ...);
  }(std::index_sequence_for<Cases...>());
  return taken;
}

// Cases built at run time. Select(set) may be called again and again.
class SelectSet {
 public:
  SelectSet() = default;
  SelectSet(SelectSet&&) = default;
  SelectSet& operator=(SelectSet&&) = default;

  // The index that Select(set) returns for this case.
  template <class C>
    requires internal::IsSelectCase<C>
  std::size_t Add(C&& c) {
    auto kept = std::decay_t<C>(std::forward<C>(c)).Owning();
    entries_.push_back(std::make_unique<Entry<decltype(kept)>>(std::move(kept)));
    return entries_.size() - 1;
  }
  std::size_t size() const { return entries_.size(); }
  void clear() { entries_.clear(); }

 private:
  friend std::size_t Select(SelectSet& set, std::source_location loc);
  struct Base {
    virtual ~Base() = default;
    virtual void Fill(internal::SelectCase& c) = 0;
    virtual void Run(internal::SelectCase& c) = 0;
  };
  template <class C>
  struct Entry final : Base {
    explicit Entry(C given) : inner(std::move(given)) {}
    void Fill(internal::SelectCase& c) override { inner.Fill(c, storage); }
    void Run(internal::SelectCase& c) override { inner.Run(c, storage); }
    C inner;
    typename C::Storage storage;
  };
  std::vector<std::unique_ptr<Base>> entries_;
};

// Blocks for ever if the set is empty.
std::size_t Select(SelectSet& set, std::source_location loc = std::source_location::current());

}  // namespace stranded

#endif  // STRANDED_RUNTIME_HOOKS_SELECT_H_
