# Puts files into the program: canh_embed(<target> <name> <file>...) makes a C file with a table
# `struct embedded_file <name>[]`, ended by a row without a name (base/embed.h).
function(canh_embed target name)
    set(out ${CMAKE_CURRENT_BINARY_DIR}/${name}.c)
    add_custom_command(OUTPUT ${out}
        COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DNAME=${name} "-DFILES=${ARGN}"
                -P ${PROJECT_SOURCE_DIR}/cmake/embed_files.cmake
        DEPENDS ${ARGN} ${PROJECT_SOURCE_DIR}/cmake/embed_files.cmake VERBATIM)
    target_sources(${target} PRIVATE ${out})
endfunction()
