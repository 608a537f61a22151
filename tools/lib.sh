# lib.sh - what the shell tools share: packages that are missing, and the hint for a GPU without a driver.
# Sourced, not run.  Packages are named as Debian and Ubuntu name them.
# shellcheck shell=sh disable=SC2034 # the lists are for whoever sources this

packages_build="gcc libc6-dev make cmake ninja-build pkg-config ocl-icd-opencl-dev opencl-c-headers
    libclblast-dev libconfig-dev libsqlite3-dev libjansson-dev zlib1g-dev libxxhash-dev
    librandom123-dev libopenblas-serial-dev libprotobuf-c-dev protobuf-c-compiler libonnx-dev
    libpng-dev libjpeg62-turbo-dev"
packages_run="pocl-opencl-icd dataset-fashion-mnist"
packages_package="dpkg-dev file fakeroot"
packages_test="libcmocka-dev libexpat1-dev clang clang-format mesa-opencl-icd oclgrind valgrind graphviz libonnx-testdata doxygen
    abigail-tools mandoc man-db groff-base zsh fish"
packages_browser="chromium" # reports are looked at in it; only with --full

say() {
    printf '%s\n' "$*" >&2
}

# missing_packages NAME…: those that are not installed, one line.
missing_packages() {
    missing=
    for package in "$@"; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || state=
        [ "$state" = installed ] || missing="$missing $package"
    done
    printf '%s' "${missing# }"
}

# Without dpkg there is no list to look in; the tools themselves tell whether a build can work.
have_build_tools() {
    for program in cmake ninja pkg-config gcc; do
        command -v "$program" >/dev/null || return 1
    done
    pkg-config --exists OpenCL clblast libconfig sqlite3 jansson zlib libxxhash openblas libpng libjpeg
}

# install_packages yes|no NAME…: installs what is missing, or names it and stops with exit 2.
install_packages() {
    allowed=$1
    shift
    if ! command -v dpkg-query >/dev/null; then
        have_build_tools && return 0
        say "This system has no dpkg.  Install what these Debian packages hold, then run this again:"
        say "   " "$@"
        exit 2
    fi
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    if [ "$allowed" = no ] || ! command -v apt-get >/dev/null; then
        say "Missing packages: $missing"
        say "Install them and run this again: sudo apt-get install $missing"
        exit 2
    fi
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            say "Missing packages: $missing"
            say "There is no sudo; as root, run: apt-get install $missing"
            exit 2
        fi
        as_root=sudo
    fi
    say "Installing: $missing"
    # The lists may be old or, in a fresh container, absent: then update them and try once more.
    # shellcheck disable=SC2086 # the packages are words
    apt_install $missing || { $as_root apt-get update >&2 && apt_install $missing; } || {
        say "apt-get could not install: $missing"
        exit 2
    }
}

apt_install() {
    # Debian's data sets and drivers need no recommended packages.
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" \
        </dev/null >&2
}

# Vendors of the GPUs in this machine, by PCI number: amd, intel, nvidia.
gpus_present() {
    for file in /sys/class/drm/card*/device/vendor; do
        [ -r "$file" ] || continue
        case $(cat "$file") in
        0x1002) echo amd ;;
        0x8086) echo intel ;;
        0x10de) echo nvidia ;;
        esac
    done
    for file in /dev/nvidia[0-9]*; do
        [ ! -e "$file" ] || echo nvidia
    done
    [ ! -e /dev/kfd ] || echo amd
}

# gpu_hint PROGRAM: names the driver package when a GPU sits idle.  Never fails.
gpu_hint() {
    if [ -x "$1" ] && "$1" devices --format csv 2>/dev/null | grep -qiw gpu; then
        return 0
    fi
    for vendor in $(gpus_present | sort -u); do
        case $vendor in
        amd) say "An AMD GPU is here, but no OpenCL driver answers for it.  Install rocm-opencl-icd, or" \
            "mesa-opencl-icd and set RUSTICL_ENABLE=radeonsi; the user must be in the group render." ;;
        intel) say "An Intel GPU is here, but no OpenCL driver answers for it: install intel-opencl-icd." ;;
        nvidia) say "An NVIDIA GPU is here, but no OpenCL driver answers for it: install nvidia-opencl-icd" \
            "(it comes with NVIDIA's own driver)." ;;
        esac
    done
    return 0
}

# quietly LOG COMMAND…: output goes to LOG, and to the terminal when it fails.
quietly() {
    log=$1
    shift
    "$@" >"$log" 2>&1 || {
        status=$?
        tail -n 60 "$log" >&2
        return $status
    }
}
