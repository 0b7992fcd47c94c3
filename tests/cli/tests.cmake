# The program as its users start it: output, exit codes, hostile input.
foreach(name intel intel_pattern rules rules_test detect threads hostile packed streams
        config import hunt search tail export verify store)
    add_test(NAME cli/${name}
        COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/cli/${name}.sh $<TARGET_FILE:canh>
            ${PROJECT_SOURCE_DIR})
    set_tests_properties(cli/${name} PROPERTIES LABELS cli TIMEOUT 300)
endforeach()
set_tests_properties(cli/threads PROPERTIES LABELS "cli;tsan")
add_test(NAME cli/man COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/cli/man.sh $<TARGET_FILE:canh>
    ${PROJECT_SOURCE_DIR})
set_tests_properties(cli/man PROPERTIES LABELS cli TIMEOUT 60)
