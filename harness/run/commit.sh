#!/bin/sh
# Prints the C++ source that names the commit of the tree in $1; an empty name where that is no
# clone.
commit=$(git -C "$1" rev-parse --verify --quiet --short=12 HEAD 2>/dev/null) || commit=
cat <<END
#include "harness/run/build_info.hpp"
std::string_view churn::run::commit() noexcept { return "$commit"; }
END
