# canh_fuzz(<name> <floor>): tests/fuzz/fuzz_<name>.c with LLVMFuzzerTestOneInput. Under clang with
# CANH_FUZZ it is a libFuzzer program; otherwise replay.c gives it a main that runs tests/fuzz/corpus/<name>/*
# and past crashes (tests/fuzz/crashes/<name>/*), as a test.
function(canh_fuzz name floor)
    set(target fuzz_${name})
    add_executable(${target} fuzz/fuzz_${name}.c)
    target_link_libraries(${target} PRIVATE canh_${floor} ${ARGN})
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    if(CANH_FUZZ)
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    else()
        target_sources(${target} PRIVATE fuzz/replay.c)
        add_test(NAME fuzz/${name} COMMAND ${target}
            ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name} ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/crashes/${name})
        set_tests_properties(fuzz/${name} PROPERTIES LABELS fuzz TIMEOUT 120)
    endif()
endfunction()
