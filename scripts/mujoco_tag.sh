#!/bin/sh
# Prints the build tag that leaves MuJoCo out where its header or library is missing, and nothing
# where both are there. It asks the compiler, so that copies from elsewhere (CGO_CFLAGS,
# CGO_LDFLAGS) count.
# shellcheck disable=SC2086 # the variables hold several flags each
printf '#include <mujoco/mujoco.h>\nint main(void) { return mj_version() == 0; }\n' |
	${CC:-gcc} ${CGO_CFLAGS:-} -x c - -o /dev/null ${CGO_LDFLAGS:-} -lmujoco >/dev/null 2>&1 || echo nomujoco
