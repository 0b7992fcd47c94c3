# The front door. The builds themselves are CMake presets (CMakePresets.json).
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60

.PHONY: default release dev run test bench fuzz soak lint format coverage install clean
default: release

release dev:
	@tools/build.sh $@

run:
	@tools/packages.sh build
	@tools/build.sh release canh
	@tools/run.sh

test:
	@tools/packages.sh build test
	@tools/test.sh

bench: release
	@bench/run.sh

fuzz:
	@tools/packages.sh build fuzz
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tools/fuzz.sh

soak:
	@tools/packages.sh build test fuzz
	@tools/soak.sh

lint:
	@tools/packages.sh build lint
	@tools/lint.sh

format:
	@git ls-files -z '*.c' '*.h' | xargs -0 clang-format-14 -i

coverage:
	@tools/packages.sh build test
	@tools/coverage.sh

install: release
	cmake --install build/release --prefix "$(PREFIX)"

clean:
	rm -rf build
