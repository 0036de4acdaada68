# Turns the built report page into a source file: cmake -DSCRIPT= -DSTYLE= -DOUT= -P embed_page.cmake
function(embed file name out)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  string(REGEX REPLACE "(..................................................................................................)" "\\1\n" bytes
    "${bytes}")
  file(SHA256 ${file} sum)
  set(${out} "constexpr char k${name}Bytes[] = {${bytes}'\\0'};
const std::string_view k${name}(k${name}Bytes, sizeof(k${name}Bytes) - 1);
const std::string_view k${name}Sha256 = \"${sum}\";
" PARENT_SCOPE)
endfunction()

embed(${SCRIPT} PageScript script)
embed(${STYLE} PageStyle style)
file(WRITE ${OUT} "// Made by cmake/embed_page.cmake.
#include \"detector/report/html_page.h\"

namespace stranded::detector {

${script}
${style}
}  // namespace stranded::detector
")
