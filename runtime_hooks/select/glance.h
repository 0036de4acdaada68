// What a select sees of its channels without their locks.
//
// Overview: each channel says in one word whether an operation might go through, and counts its
// changes there. Read twice with the same result, the words of all channels held at one moment: if
// none was ready then, the default case is right, and if one was, it may be tried alone.
// Thread safety: any thread. Invariants: a word never says "not ready" in vain; "ready" may be out
// of date, which the lock of that channel then shows. Ownership: none.
#ifndef STRANDED_RUNTIME_HOOKS_SELECT_GLANCE_H_
#define STRANDED_RUNTIME_HOOKS_SELECT_GLANCE_H_

#include <cstddef>
#include <cstdint>

#include "runtime_hooks/channel/chan_core.h"

namespace stranded::internal {

// Selects with more cases are locked as a whole.
inline constexpr std::size_t kGlanceCases = 8;
inline constexpr std::size_t kNoCase = static_cast<std::size_t>(-1);

bool LooksReady(const SelectCase& c);
// The cases that look ready, by bits. False if something changed meanwhile.
bool Glance(const SelectCase* cases, std::size_t count, std::uint32_t* ready);
// One of the bits set, uniformly.
std::size_t PickBit(Task* self, std::uint32_t bits);
std::size_t FindDefault(const SelectCase* cases, std::size_t count);

// The loop around a select that makes the same choice again and again need not note it each time:
// true but for now and then.
bool SaidBefore(Task* self, const SelectCase* cases, std::size_t count, std::size_t chosen);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SELECT_GLANCE_H_
