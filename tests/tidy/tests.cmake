# The tree keeps the rules of the house, and the check that says so finds each way of breaking them.
add_executable(canh_tidy ${PROJECT_SOURCE_DIR}/tools/tidy.c)
add_test(NAME tidy/tree COMMAND canh_tidy ${PROJECT_SOURCE_DIR})
add_test(NAME tidy/broken
    COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/tidy/broken.sh $<TARGET_FILE:canh_tidy>)
set_tests_properties(tidy/tree tidy/broken PROPERTIES LABELS tidy TIMEOUT 120)
