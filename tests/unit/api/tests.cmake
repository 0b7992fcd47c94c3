canh_unit_test(api request)
canh_unit_test(api api)
