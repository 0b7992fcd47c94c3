# The event store on a simulated disk: seeds in four parts, so that processors share them; then the
# mutations. One seed again: tests/store_sim SEED.
add_executable(store_sim sim/store_sim.c sim/sim_check.c sim/sim_disk.c sim/sim_group.c
    sim/sim_life.c sim/sim_mutation.c sim/sim_observe.c sim/sim_rot.c)
target_link_libraries(store_sim PRIVATE canh_store)
target_include_directories(store_sim PRIVATE ${PROJECT_SOURCE_DIR}/tests)
foreach(part 1 2 3 4)
    add_test(NAME sim/store_${part} COMMAND store_sim part ${part} 4)
endforeach()
add_test(NAME sim/store_mutations COMMAND store_sim mutations)
set_tests_properties(sim/store_1 sim/store_2 sim/store_3 sim/store_4 sim/store_mutations
    PROPERTIES LABELS sim TIMEOUT 36000)
