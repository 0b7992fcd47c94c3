# canh_unit_test(base <noun>), one line a file of this folder
canh_unit_test(base text)
canh_unit_test(base clock)
canh_unit_test(base ip)
canh_unit_test(base option)
