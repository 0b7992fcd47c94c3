# Golden tests: rules and logs in, findings out; see the head of each script.
add_executable(golden_twin golden/twin.c)
target_link_libraries(golden_twin PRIVATE canh_program)

add_executable(golden_hunt_twin golden/hunt_twin.c support/event_make.c)
target_link_libraries(golden_hunt_twin PRIVATE canh_program)
target_include_directories(golden_hunt_twin PRIVATE ${PROJECT_SOURCE_DIR}/tests)

function(canh_golden name)
    add_test(NAME golden/${name} COMMAND ${ARGN})
    set_tests_properties(golden/${name} PROPERTIES LABELS golden TIMEOUT 900 SKIP_RETURN_CODE 77)
endfunction()

set(golden ${CMAKE_CURRENT_SOURCE_DIR}/golden)
canh_golden(sigma ${golden}/sigma_golden.sh $<TARGET_FILE:canh> ${PROJECT_SOURCE_DIR})
canh_golden(twin ${golden}/twin.sh $<TARGET_FILE:golden_twin> ${PROJECT_SOURCE_DIR})
canh_golden(hunt ${golden}/hunt.sh $<TARGET_FILE:golden_hunt_twin> ${PROJECT_SOURCE_DIR})
canh_golden(store ${golden}/store.sh $<TARGET_FILE:canh> ${PROJECT_SOURCE_DIR})
set_tests_properties(golden/store PROPERTIES LABELS "golden;slow_asan")
canh_golden(mappings ${golden}/mappings_golden.sh $<TARGET_FILE:canh> ${PROJECT_SOURCE_DIR})
canh_golden(vectors ${golden}/vectors.sh $<TARGET_FILE:canh> ${PROJECT_SOURCE_DIR})
canh_golden(regression ${golden}/regression.sh $<TARGET_FILE:canh> ${PROJECT_SOURCE_DIR})
canh_golden(rules ${golden}/rules.sh $<TARGET_FILE:canh> ${PROJECT_SOURCE_DIR})

# judged by another JSON reader than the program's own: not linked with it
add_executable(golden_stix_vectors golden/stix_vectors.c)
target_link_libraries(golden_stix_vectors PRIVATE PkgConfig::JANSSON)
canh_golden(stix_pattern ${golden}/stix_pattern.sh $<TARGET_FILE:canh>
    $<TARGET_FILE:golden_stix_vectors> ${PROJECT_SOURCE_DIR})
