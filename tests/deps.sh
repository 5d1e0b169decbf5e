#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Install the packages that are missing: tests/deps.sh build|test|vm|bench...
# The one list of packages: what for, then the name for apt, dnf, pacman and apk (- is none of its own).
set -eu

packages() {
	cat <<-'END'
	build  gcc             gcc                    gcc                gcc
	build  libc6-dev       glibc-devel            glibc              musl-dev
	build  make            make                   make               make
	build  clang           clang                  clang              clang
	build  llvm            llvm                   llvm               llvm
	build  bpftool         bpftool                bpf                bpftool
	build  libbpf-dev      libbpf-devel           libbpf             libbpf-dev
	build  libelf-dev      elfutils-libelf-devel  libelf             elfutils-dev
	build  zlib1g-dev      zlib-devel             zlib               zlib-dev
	build  libncurses-dev  ncurses-devel          ncurses            ncurses-dev
	build  pkg-config      pkgconf-pkg-config     pkgconf            pkgconf
	build  linux-libc-dev  kernel-headers         linux-api-headers  linux-headers
	test   libclang-rt-dev compiler-rt            compiler-rt        compiler-rt
	test   libcmocka-dev   libcmocka-devel        cmocka             cmocka-dev
	test   python3         python3                python             python3
	test   nginx-light     nginx                  nginx              nginx
	test   redis-server    redis                  redis              redis
	test   redis-tools     -                      -                  -
	test   iperf3          iperf3                 iperf3             iperf3
	test   socat           socat                  socat              socat
	test   curl            curl                   curl               curl
	test   wget            wget                   wget               wget
	test   iproute2        iproute                iproute2           iproute2
	test   lsof            lsof                   lsof               lsof
	test   iputils-ping    iputils                iputils            iputils
	test   tmux            tmux                   tmux               tmux
	test   clang-format    clang-tools-extra      -                  clang-extra-tools
	test   clang-tidy      -                      -                  -
	test   cppcheck        cppcheck               cppcheck           cppcheck
	test   jq              jq                     jq                 jq
	test   mandoc          mandoc                 mandoc             mandoc
	test   git             git                    git                git
	vm     qemu-system-x86 qemu-system-x86-core   qemu-system-x86    qemu-system-x86_64
	vm     qemu-system-arm qemu-system-aarch64-core qemu-system-aarch64 qemu-system-aarch64
	vm     lld             lld                    lld                lld
	vm     binutils        binutils               binutils           binutils
	bench  bpftrace        bpftrace               bpftrace           bpftrace
	bench  nethogs         nethogs                nethogs            nethogs
	bench  iftop           iftop                  iftop              iftop
	bench  iproute2        iproute                iproute2           iproute2
	END
}

# Packages that bring a service: it is neither started nor enabled by what we install.
SERVICES='nginx redis-server'
POLICY=/usr/sbin/policy-rc.d

names() { # column: the packages asked for, in one line
	packages | awk -v kinds=" $kinds " -v column="$1" \
		'index(kinds, " " $1 " ") && $column != "-" { printf "%s ", $column }'
}

missing() { # of what was asked for; what another installed package provides counts as there
	dpkg-query -W -f '${db:Status-Status} ${Package}, ${Provides}\n' | awk -v want="$(names 2)" '
		$1 == "installed" {
			sub(/^installed /, ""); gsub(/ *\([^)]*\)/, "")
			for (n = split($0, p, /, */); n > 0; n--) have[p[n]] = 1
		}
		END { for (n = split(want, w, " "); n > 0; n--) if (!(w[n] in have)) print w[n] }'
}

services_here() {
	for s in $SERVICES; do
		if [ -e "/etc/init.d/$s" ] || [ -e "/lib/systemd/system/$s.service" ]; then echo "$s"; fi
	done
}

# Runs as root: install, with the services held back while we live and off afterwards.
install_held_back() {
	echo "installing: $*"
	export DEBIAN_FRONTEND=noninteractive
	apt="apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3"
	if [ ! -e $POLICY ]; then
		trap 'rm -f $POLICY' EXIT
		trap 'exit 1' HUP INT TERM
		# Says no only for our services and only while this shell runs, should it be killed.
		cat >$POLICY <<-END
		#!/bin/sh
		case \$1 in nginx*|redis*) kill -0 $$ 2>/dev/null && exit 101;; esac
		exit 0
		END
		chmod 755 $POLICY
	fi
	before=$(services_here)
	$apt update || echo 'apt-get update failed: trying with the old lists' >&2
	$apt install --no-install-recommends "$@"
	for s in $(services_here); do
		! echo "$before" | grep -qx "$s" || continue
		[ ! -d /run/systemd/system ] || systemctl --quiet stop "$s"
		update-rc.d "$s" disable
	done
}

if [ "${1-}" = --install ]; then
	shift
	install_held_back "$@"
	exit 0
fi

kinds=$*
if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
	echo 'There is no apt here. Install these, then run make without deps:'
	echo "  dnf install $(names 3)"
	echo "  pacman -S --needed $(names 4)"
	echo "  apk add $(names 5)"
	exit 1
fi

wanted=$(missing)
[ -n "$wanted" ] || exit 0
if [ "$(id -u)" = 0 ]; then
	"$0" --install $wanted
elif command -v sudo >/dev/null; then
	sudo "$0" --install $wanted
else
	echo "make deps needs root and there is no sudo: run it as root, or have these installed:" $wanted >&2
	exit 1
fi
