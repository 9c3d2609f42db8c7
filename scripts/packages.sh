# Functions for scripts that install packages of the distribution. The variable otherwise says
# what a user without apt-get can do.
# shellcheck shell=sh disable=SC2154

install_packages() {
	command -v apt-get >/dev/null 2>&1 ||
		fail "needed: $* (Debian's names), and there is no apt-get here to install them; $otherwise"
	become_root || fail "needed: $*; this is not root and there is no sudo, so run as root: apt-get install $*"

	echo "Installing from the distribution: $*"
	# Lists may be absent (a fresh image) or name versions that are gone.
	if known "$@" && apt install -y --no-install-recommends "$@"; then
		return
	fi
	apt update || fail 'apt-get update failed (see above): is the network there?'
	known "$@" ||
		fail "the distribution does not offer all of: $*; they are in Debian 12 and 13 (main) and Ubuntu 24.04 (universe)"
	apt install -y --no-install-recommends "$@" || fail "apt-get could not install: $* (see above)"
}

# offered says if the distribution has a package that can be done without.
offered() {
	command -v apt-get >/dev/null 2>&1 && become_root || return 1
	known "$1" || { apt update >/dev/null 2>&1 && known "$1"; }
}

# become_root says if apt can run as root, and how.
become_root() {
	if [ "$(id -u)" -eq 0 ]; then
		as_root=
	elif command -v sudo >/dev/null 2>&1; then
		as_root=sudo
	else
		return 1
	fi
}

# known says if apt's lists offer all packages.
known() {
	for package; do
		[ -n "$(apt-cache madison "$package" 2>/dev/null)" ] || return 1
	done
}

# apt runs apt-get as root, without questions.
apt() {
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@"
}

fail() {
	echo "$(basename "$0" .sh): $1" >&2
	exit 1
}
