#!/usr/bin/awk -f
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Fail when a file includes a layer that it must not know. Run at the top of the tree:
#   awk -f tests/lint-includes.awk bpf/*.[ch] include/*.h user/*.[ch] user/*/*.[ch]
# An include in quotes is looked for as the compiler does, and the file found says the layer.
BEGIN {
	allow["include"]  = ""
	allow["bpf"]      = "include vmlinux"
	allow["util"]     = ""
	allow["event"]    = "util"
	allow["capture"]  = "event util include"
	allow["identity"] = "event util"
	allow["model"]    = "event util"
	allow["sink"]     = "model event util"
	allow["tui"]      = "model event util"
	allow["who"]      = "identity event util"
	allow["traffic"]  = "event util"
	allow["top"]      = "capture identity model sink traffic tui who event util include"

	# System headers that one file, or one folder, has to itself.
	only["(^|/)n?curses\\.h$"] = "user/tui/term.c"
	only["^term(info)?\\.h$"]  = "user/tui/term.c"
	only["sockwatch\\.skel\\.h$"] = "user/capture/live.c"
	only["who\\.skel\\.h$"]   = "user/capture/census.c"
	only["^bpf/"]              = "user/capture/ bpf/"
}

function layer(path,   p) {
	split(path, p, "/")
	return p[1] != "user" ? p[1] : p[3] == "" ? "top" : p[2]
}

function exists(path,   line, found) {
	found = (getline line < path) >= 0
	close(path)
	return found
}

# The file of ours that an include in quotes means, or nothing.
function resolve(inc,   dir, roots, n, i) {
	dir = FILENAME
	sub(/\/[^\/]*$/, "", dir)
	n = split(dir " user include vmlinux bpf .", roots, " ")
	for (i = 1; i <= n; i++)
		if (exists(roots[i] "/" inc))
			return roots[i] == "." ? inc : roots[i] "/" inc
	return ""
}

function bad(msg) {
	printf("%s:%d: %s\n", FILENAME, FNR, msg)
	err = 1
}

# Whether this file is one of `places`, or below one that ends in a slash.
function at_home(places,   p, n, i) {
	n = split(places, p, " ")
	for (i = 1; i <= n; i++)
		if (FILENAME == p[i] || (p[i] ~ /\/$/ && index(FILENAME, p[i]) == 1))
			return 1
	return 0
}

/^[ \t]*#[ \t]*include/ {
	own = layer(FILENAME)
	if (!(own in allow)) {
		bad("the layer " own " is not in the table of " ARGV[0])
		next
	}
	if (!match($0, /["<][^">]+[">]/)) {
		bad("an include that cannot be read")
		next
	}
	inc = substr($0, RSTART + 1, RLENGTH - 2)
	angle = substr($0, RSTART, 1) == "<"
	for (pattern in only)
		if (inc ~ pattern && !at_home(only[pattern]))
			bad(inc " belongs to " only[pattern])
	if (inc ~ /\.skel\.h$/)
		next
	if (inc ~ /(^|\/)\.\.?\//) {
		bad(inc ": write the path from user/, not relative")
		next
	}
	if (angle) {
		if (exists("user/" inc) || exists("include/" inc) || exists("vmlinux/" inc))
			bad(inc " is ours: write it in quotes")
		next
	}
	path = resolve(inc)
	if (path == "") {
		bad("no such header of ours: " inc)
		next
	}
	dep = layer(path)
	if (dep != own && index(" " allow[own] " ", " " dep " ") == 0)
		bad(own " may not include " path)
}

END { exit err }
