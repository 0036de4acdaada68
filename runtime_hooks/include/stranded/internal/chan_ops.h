// The untyped half of channels and select: what the templates in channel.h and select.h call.
//
// Overview: ChanCore moves values through a table of functions (ElemOps), so that one piece of code
// in channel/ and select/ serves every element type.
// Thread safety: every function from any task or thread.
// Invariants: a value is moved exactly once from the sender's place into a receiver's place or the
// buffer; places stay valid while their task is parked.
// Ownership: ChanCore is reference counted (RefChan, UnrefChan); nullptr is the nil channel.
#ifndef STRANDED_RUNTIME_HOOKS_INTERNAL_CHAN_OPS_H_
#define STRANDED_RUNTIME_HOOKS_INTERNAL_CHAN_OPS_H_

#include <cstddef>
#include <cstdint>
#include <new>
#include <source_location>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace stranded::internal {

struct ChanCore;
struct ContextNode;

struct ElemOps {
  std::size_t size;
  std::size_t align;
  void (*move_construct)(void* to, void* from);
  void (*destroy)(void*);
  const std::type_info* type;
  std::uint8_t
      trivial;  // 1, 2, 4, 8: a value is so many plain bytes, copied without a call; else 0
};

template <class T>
const ElemOps* OpsFor() {
  static constexpr auto kMove = [](void* to, void* from) {
    ::new (to) T(std::move(*static_cast<T*>(from)));
  };
  static constexpr auto kDestroy = [](void* p) { static_cast<T*>(p)->~T(); };
  static constexpr bool kSmall = sizeof(T) <= 8 && (sizeof(T) & (sizeof(T) - 1)) == 0;
  static constexpr bool kTrivial =
      kSmall && std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>;
  static const ElemOps ops{sizeof(T), alignof(T), kMove,
                           kDestroy,  &typeid(T), std::uint8_t{kTrivial ? sizeof(T) : 0}};
  return &ops;
}

enum class CaseOp : std::uint8_t { kNone = 0, kRecv = 1, kSend = 2, kDone = 3, kDefault = 4 };

// One case of a select, and every blocking channel operation (as a select of one).
struct SelectCase {
  CaseOp op = CaseOp::kNone;
  ChanCore* chan = nullptr;        // nullptr: nil channel, never ready
  void* slot = nullptr;            // send: the value to move from; receive: raw room to move to
  ContextNode* context = nullptr;  // kDone: whose Done() it is
  bool received = false;           // receive: a value is in `slot` (false: closed and drained)
  std::source_location site{};
};

ChanCore* NewChan(const ElemOps* ops, std::size_t capacity, const std::source_location& site);
void RefChan(ChanCore* chan);
void UnrefChan(ChanCore* chan);

// Blocking operations. ChanSend throws ClosedChannelError on a closed channel. ChanRecv returns
// false when the channel is closed and drained. A nil channel blocks for ever.
void ChanSend(ChanCore* chan, void* value, const std::source_location& site);
bool ChanRecv(ChanCore* chan, void* room, bool range, const std::source_location& site);

enum class TryResult : std::uint8_t { kDone, kWouldBlock, kClosed };
TryResult ChanTrySend(ChanCore* chan, void* value, const std::source_location& site);
TryResult ChanTryRecv(ChanCore* chan, void* room, const std::source_location& site);
void ChanClose(ChanCore* chan, const std::source_location& site);
std::size_t ChanSize(ChanCore* chan);
std::size_t ChanCapacity(const ChanCore* chan);

// Runs a select over `cases`; returns the index taken. Uniform among the ready ones. Throws
// ClosedChannelError if the case taken is a send on a closed channel.
std::size_t DoSelect(SelectCase* cases, std::size_t count, const std::source_location& site);

// The channel behind a context's Done(); nullptr if the context can never end.
ChanCore* DoneChannelOf(ContextNode* context);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_INTERNAL_CHAN_OPS_H_
