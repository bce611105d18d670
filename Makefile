# `make` alone lists what there is. The work is done by the scripts in scripts/, which get
# variables such as MEDIA and PORT from make through the environment. RUSHES_HOME is left as it is:
# exporting it would make an empty one of none.

export MEDIA PORT

.DEFAULT_GOAL := help
SHELL := /bin/bash
.PHONY: help run test bench fmt lint samples golden screenshots clean

help:           ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'
	@echo
	@echo "  make run MEDIA=/some/folder PORT=8081    your own folder, another port"

run:            ## install what is missing, build, index MEDIA (or samples), serve the dashboard
	@scripts/run.sh

test:           ## install what is missing, run every check and test, the browser test too
	@scripts/test.sh

bench:          ## measure against other programs; BENCH="--only scan --rounds 3" narrows it
	@scripts/bench.sh $(BENCH)

fmt:            ## format the code
	@cargo fmt

lint:           ## what `make test` says about the code without running it
	@cargo fmt --check
	@scripts/check-dependencies
	@cargo clippy --locked --workspace --all-targets -- -D warnings

samples:        ## make the sample media again
	@scripts/system-packages.sh samples
	@samples/make.sh

golden:         ## ask ffprobe, exiftool and MediaInfo again what the probe is compared with
	@scripts/system-packages.sh test
	@tests/golden/record.py

screenshots:    ## take the picture in docs/ again
	@RUSHES_SCREENSHOTS=target/screenshots scripts/browser-test.sh
	@cp target/screenshots/library.png docs/dashboard.png

clean:          ## remove what was built, and the demo's catalogue
	@cargo clean
	@rm -rf .rushes-demo
