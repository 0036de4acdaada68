#include "detector/report/symbolizer.h"

#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "detector/report/compile_units.h"
#include "detector/report/inlining.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

std::string Demangled(const char* name) {
  int status = 0;
  char* text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  std::string result = status == 0 ? text : name;
  std::free(text);
  return WithoutInlineNamespaces(std::move(result));
}

// GCC gives lambdas in some templates names that its own demangler does not read.
bool IsMangled(std::string_view function) { return function.starts_with("_Z"); }

bool IsRuntime(const std::string& function) {
  if (IsMangled(function)) return function.find("N8stranded") < 4;
  return function.starts_with("stranded::") || function.find("fcontext") != std::string::npos ||
         function.find(" stranded::internal::") != std::string::npos;
}

// Of what carries no debug information. What a template returns stands before its name.
bool IsLibraryName(const std::string& function) {
  return function.find("std::__invoke_") != std::string::npos ||
         function.starts_with("std::_Function_handler<");
}

// The runtime's own code, also when it is inlined into the user's.
bool IsRuntimeFile(const std::string& file) {
  return file.find("runtime_hooks/") != std::string::npos ||
         file.find("include/stranded/") != std::string::npos;
}

// Whose function it is, wherever the line that runs lies. Its name does not tell: that of a
// template begins with what it returns.
bool IsLibrary(Dwarf_Die* die) {
  const char* file = dwarf_decl_file(die);
  return file != nullptr && std::strstr(file, "/include/c++/") != nullptr;
}

std::string FunctionName(Dwarf_Die* die) {
  Dwarf_Attribute attribute;
  for (const unsigned tag : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name}) {
    if (dwarf_attr_integrate(die, tag, &attribute) != nullptr) {
      const char* name = dwarf_formstring(&attribute);
      std::string function = name == nullptr ? "" : Demangled(name);
      if (!function.empty() && !IsMangled(function)) return function;
    }
  }
  const char* name = dwarf_diename(die);
  if (name == nullptr) return "";
  return std::string_view(name).starts_with("operator()") ? "lambda" : name;
}

// As the compiler was told to call it. Where it maps paths, its working directory is relative, too,
// and libdw puts it in front.
std::string FileName(Dwarf_Die* unit, const char* name) {
  Dwarf_Attribute attribute;
  const char* in = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
  if (in == nullptr || *in == '\0' || *in == '/') return name;
  const std::size_t length = std::strlen(in);
  return std::strncmp(name, in, length) == 0 && name[length] == '/' ? name + length + 1 : name;
}

}  // namespace

struct Symbolizer::Impl {
  const Dump& dump;
  // A file is opened once, at the bias of its first mapping; nullptr if it is not the same build.
  std::map<std::string_view, Dwfl*> opened;
  CompileUnits units;
  Inlining inlining;
  std::unordered_map<std::uint64_t, std::vector<StackFrame>> known;  // by pc

  explicit Impl(const Dump& d) : dump(d) {}
  ~Impl() {
    for (auto& [path, dwfl] : opened) {
      if (dwfl != nullptr) dwfl_end(dwfl);
    }
  }

  const Module* ModuleOf(std::uint64_t pc) const {
    for (const Module& m : dump.modules) {
      if (pc >= m.start && pc < m.end) return &m;
    }
    return nullptr;
  }

  static bool SameBuild(Dwfl_Module* module, std::string_view want) {
    if (want.empty()) return true;
    GElf_Addr bias = 0, where = 0;
    const unsigned char* bits = nullptr;
    if (dwfl_module_getelf(module, &bias) == nullptr) return false;  // reads the build id, too
    const int size = dwfl_module_build_id(module, &bits, &where);
    return size == static_cast<int>(want.size()) &&
           std::memcmp(bits, want.data(), want.size()) == 0;
  }

  Dwfl* Open(const Module& module) {
    const auto [it, fresh] = opened.try_emplace(module.path, nullptr);
    if (!fresh) return it->second;
    static const Dwfl_Callbacks callbacks = {dwfl_build_id_find_elf, dwfl_standard_find_debuginfo,
                                             nullptr, nullptr};
    Dwfl* dwfl = dwfl_begin(&callbacks);
    if (dwfl == nullptr) return nullptr;
    dwfl_report_begin(dwfl);
    const std::string path(module.path);
    Dwfl_Module* reported =
        dwfl_report_elf(dwfl, path.c_str(), path.c_str(), -1, module.bias, false);
    dwfl_report_end(dwfl, nullptr, nullptr);
    if (reported == nullptr || !SameBuild(reported, module.build_id)) {
      dwfl_end(dwfl);
      return nullptr;
    }
    return it->second = dwfl;
  }
};

Symbolizer::Symbolizer(const Dump& dump) : impl_(std::make_unique<Impl>(dump)) {}
Symbolizer::~Symbolizer() = default;

// Tasks that wait at one place share most of their frames.
void Symbolizer::AddFrames(std::uint64_t pc, std::vector<StackFrame>& out) {
  const auto [it, fresh] = impl_->known.try_emplace(pc);
  if (fresh) FindFrames(pc, it->second);
  out.insert(out.end(), it->second.begin(), it->second.end());
}

void Symbolizer::FindFrames(std::uint64_t pc, std::vector<StackFrame>& out) {
  StackFrame frame;
  if (impl_->dump.frames_are_sites) {
    const Site& site = impl_->dump.SiteOf(static_cast<SiteId>(pc));
    frame.function = std::string(site.function);
    frame.file = std::string(site.file);
    frame.line = site.line;
    out.push_back(frame);
    return;
  }
  frame.pc = pc;
  const Module* module = impl_->ModuleOf(pc);
  if (module == nullptr) {
    out.push_back(frame);
    return;
  }
  frame.module = std::string(module->path.substr(module->path.find_last_of('/') + 1));
  Dwfl* dwfl = impl_->Open(*module);
  Dwfl_Module* mod = dwfl == nullptr ? nullptr : dwfl_addrmodule(dwfl, pc - 1);
  if (mod == nullptr) {
    out.push_back(frame);
    return;
  }
  const std::uint64_t at = pc - 1;  // inside the call, not behind it
  if (const char* name = dwfl_module_addrname(mod, at)) frame.function = Demangled(name);
  Dwarf_Addr bias = 0;
  Dwarf_Die* unit = impl_->units.At(mod, at, &bias);
  if (Dwarf_Line* line = unit == nullptr ? nullptr : dwarf_getsrc_die(unit, at - bias)) {
    int number = 0;
    if (const char* file = dwarf_linesrc(line, nullptr, nullptr)) {
      frame.file = FileName(unit, file);
      if (dwarf_lineno(line, &number) == 0) frame.line = static_cast<std::uint32_t>(number);
    }
  }
  // What is inlined here stands on the stack as frames of its own, innermost first.
  std::vector<Dwarf_Die> chain;
  if (unit != nullptr) chain = impl_->inlining.ChainAt(unit, at - bias);
  for (std::size_t i = chain.size(); i-- > 1;) {
    StackFrame inlined = frame;
    inlined.function = FunctionName(&chain[i]);
    inlined.runtime = IsRuntime(inlined.function) || IsRuntimeFile(inlined.file);
    inlined.library = IsLibrary(&chain[i]);
    out.push_back(inlined);
    Dwarf_Attribute attribute;
    Dwarf_Word line = 0, file = 0;
    Dwarf_Files* files = nullptr;
    if (dwarf_formudata(dwarf_attr(&chain[i], DW_AT_call_line, &attribute), &line) == 0 &&
        dwarf_formudata(dwarf_attr(&chain[i], DW_AT_call_file, &attribute), &file) == 0 &&
        dwarf_getsrcfiles(unit, &files, nullptr) == 0) {
      if (const char* name = dwarf_filesrc(files, file, nullptr, nullptr))
        frame.file = FileName(unit, name);
      frame.line = static_cast<std::uint32_t>(line);
    }
  }
  frame.runtime = IsRuntime(frame.function) || IsRuntimeFile(frame.file);
  if (IsMangled(frame.function) && !chain.empty()) frame.function = FunctionName(&chain[0]);
  frame.library = chain.empty() ? IsLibraryName(frame.function) : IsLibrary(&chain[0]);
  out.push_back(frame);
}

}  // namespace stranded::detector
