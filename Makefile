# make demo and make test are all that a user needs: each installs what is missing
# from the distribution, builds, and runs.

# Settings of make demo; empty leaves the program's own.
real_time_factor :=
seed :=
# Settings of make bench: quick:=1 for a minute instead of five; where HPIPM and BLASFEO are
# installed, to compare with them too.
quick :=
hpipm :=
# How long make fuzz tries each target.
fuzz_time := 10s
# After how long a package's tests count as hanging: go's ten minutes are short for a slow machine.
patience := 30m

# Without git's stamp a commit alone relinks nothing, and a tree of another owner builds. Whether
# MuJoCo is there is looked at when a command runs: deps may have installed it.
export GOFLAGS += -buildvcs=false $(addprefix -tags=,$(shell scripts/mujoco_tag.sh))

.DEFAULT_GOAL := help
.PHONY: test-safety build build-rclgo test test-rclgo check-rclgo check-ros2 race demo bench bench-ros2 bench-loop deps generate fuzz clean help

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: build ## watch an arm learn (real_time_factor:=1.0 for real time, seed:=7)
	@bin/gps demo params/planar_arm.yaml $(if $(real_time_factor),--real-time-factor '$(real_time_factor)') $(if $(seed),--seed '$(seed)')

# The race detector's run comes first and its failure is kept, so that the count of
# all tests closes the output.
test: deps ## check and test everything
	@echo 'gofmt'; unformatted=$$("$$(go env GOROOT)/bin/gofmt" -l .) && test -z "$$unformatted" || \
		{ printf 'not formatted (run gofmt -w):\n%s\n' "$$unformatted" >&2; exit 1; }
	go vet ./...
	go -C gps/internal/kernel/asm test ./...
	go test -tags nomujoco ./hardware/mujoco
	@for path in avx512 avx2 portable plain; do \
		if ! GPS_KERNEL=$$path go test -count=1 -run TestKernelIsTheForced ./gps/internal/kernel >/dev/null; then \
			echo "this machine has no $$path: its kernels were not tested" >&2; continue; fi; \
		echo "GPS_KERNEL=$$path go test -count=1 -run Kernel ./..."; \
		GPS_KERNEL=$$path go tool gotestsum --format pkgname --format-hide-empty-pkg -- -count=1 -run Kernel ./... || exit $$?; done
	@echo 'go test -race -short ./node/...'; race=0; go test -race -short -timeout $(patience) ./node/... || race=$$?; \
	echo 'go test ./...'; go tool gotestsum --format pkgname --format-hide-empty-pkg -- -timeout $(patience) ./... || exit $$?; \
	if [ $$race -ne 0 ]; then echo 'go test -race -short ./node/... failed: see above' >&2; exit $$race; fi

bench: ## measure an update's speed against numpy, torch, ... (quick:=1, hpipm:=PREFIX)
	@scripts/install_peers.sh
	@go run ./gps/bench $(if $(quick),-quick) $(if $(hpipm),-hpipm '$(hpipm)')

bench-ros2: deps ## measure the node's round trip against bare Cyclone DDS, and rclcpp where ROS is sourced (quick:=1)
	@go run ./node/bench $(if $(quick),-rounds 5)

bench-loop: deps ## measure the control loop's lateness beside a bare loop in C, while a learner uses every core (quick:=1)
	@go run ./node/bench/loop $(if $(quick),-seconds 10)

# How many control ticks make test-safety drives each plant for.
safety_ticks := 10000000

test-safety: deps ## drive every plant by adversaries for safety_ticks ticks each, 10 million unless set
	SAFETY_TICKS=$(safety_ticks) go test -count=1 -timeout 0 -v -run 'TestProperties' ./hardware/safety

race: deps ## run all tests under the race detector
	go test -race -timeout $(patience) ./...

build: deps ## build gps_node, sim_robot and gps into bin/
	go build -o bin/ ./node/cmd/...

build-rclgo: ## build the programs against the ROS 2 that is sourced, into bin/rclgo/
	@scripts/build_ros2.sh bin/rclgo

# make test does the same among the other tests.
check-rclgo: ## type-check the code for a ROS 2 installation, without one
	go test -count=1 ./internal/typecheck

test-rclgo: ## run the tests of that code, where a ROS 2 is sourced
	@if [ -z "$$AMENT_PREFIX_PATH" ]; then \
		echo 'test-rclgo: no ROS 2 is sourced (AMENT_PREFIX_PATH is empty): nothing was run' >&2; exit 0; fi; \
	flags=$$(scripts/ros_flags.sh) && eval "$$flags" && set -x && go vet -tags "rclgo $$(scripts/mujoco_tag.sh)" ./node/... && \
	go tool gotestsum --format pkgname --format-hide-empty-pkg -- -tags "rclgo $$(scripts/mujoco_tag.sh)" -timeout $(patience) -count=1 ./node/...

check-ros2: ## run ROS 2's own tools against the node, where a ROS 2 is sourced
	@scripts/check_ros2.sh

deps: ## install what the build needs and is missing
	@scripts/install_dependencies.sh

generate: ## write generated code anew: message types, kernels in assembly
	go generate ./...

# Go's fuzzing takes its own deadline for a failure now and then. A target that fails is
# run again: a true failure fails at once, from the input that it left.
fuzz: deps ## try each fuzz target for a while (fuzz_time:=10s)
	@failed=; for file in $$(grep -rl --include='*_test.go' '^func Fuzz' . | sort); do \
		for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$$file"); do \
			echo "$$file: $$name"; \
			try() { go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(fuzz_time) "$$(dirname "$$file")"; }; \
			try || try || failed="$$failed  $$file: $$name\n"; \
		done; \
	done; \
	if [ -n "$$failed" ]; then printf "failed (see above):\n$$failed" >&2; exit 1; fi

clean: ## remove what build made; runs/ stays
	rm -rf bin
