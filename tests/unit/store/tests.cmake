# canh_unit_test(store <noun>), one line a file of this folder
