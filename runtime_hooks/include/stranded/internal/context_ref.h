// References to context nodes, for the rooms that only carry them.
#ifndef STRANDED_RUNTIME_HOOKS_INTERNAL_CONTEXT_REF_H_
#define STRANDED_RUNTIME_HOOKS_INTERNAL_CONTEXT_REF_H_

#include <cstdint>

namespace stranded {
class Context;
namespace internal {

struct ContextNode;

ContextNode* BackgroundNode();                // with a new reference
ContextNode* NodeOf(const Context& context);  // borrowed
Context ContextOf(ContextNode* node);         // with a new reference
std::uint64_t ContextIdOf(const ContextNode* node);
void RefContext(ContextNode* node);
void UnrefContext(ContextNode* node);

}  // namespace internal
}  // namespace stranded

#endif  // STRANDED_RUNTIME_HOOKS_INTERNAL_CONTEXT_REF_H_
