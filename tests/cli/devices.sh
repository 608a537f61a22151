# Listing devices: formats, width, colours, and what to install when there is none.
. "$(dirname "$0")/helper.sh"

mkdir -p empty root/sys/class/drm/card0/device root/sys/class/drm/card0-HDMI-A-1 root/dev
echo 0x1002 >root/sys/class/drm/card0/device/vendor

# No device at all.
last="devices, no driver"
code=0
OCL_ICD_VENDORS=$scratch/empty "$NAS_PROGRAM" devices >out.txt 2>err.txt || code=$?
expect_code 3; expect_err "pocl-opencl-icd"; expect_err "OCL_ICD_VENDORS"
code=0
OCL_ICD_VENDORS=$scratch/empty "$NAS_PROGRAM" devices --format json >out.txt 2>err.txt || code=$?
expect_code 3; expect_json 'x["devices"] == []'

# Idle GPUs, by what the kernel says.
hint()
{
    last="devices with $1"
    code=0
    OCL_ICD_VENDORS=$scratch/empty CLNAS_TEST_ROOT=$scratch/root "$NAS_PROGRAM" devices >out.txt 2>err.txt || code=$?
    expect_code 3
}
hint amd; expect_err "AMD GPU"; expect_err "RUSTICL_ENABLE=radeonsi"
echo 0x8086 >root/sys/class/drm/card0/device/vendor
hint intel; expect_err "intel-opencl-icd"
echo 0x1a03 >root/sys/class/drm/card0/device/vendor
: >root/dev/nvidia0
hint nvidia; expect_err "nvidia-opencl-icd"; ! grep -q "intel" err.txt || fail "names a GPU that is not there"

have_device || exit 0
run devices; expect_code 0; expect_out "usable"
run devices -f json; expect_code 0; expect_json 'len(x["devices"]) > 0 and x["devices"][0]["id"] == "0:0" or len(x["devices"]) > 0'
expect_json 'all(isinstance(d["memory_bytes"], int) and isinstance(d["usable"], bool) for d in x["devices"])'
run devices -f jsonl; expect_code 0; expect_jsonl id type name driver
run devices -f csv; expect_code 0; expect_csv id type name driver

# The width is respected; no colour without a terminal.
COLUMNS=50 "$NAS_PROGRAM" devices >out.txt 2>err.txt
! awk 'length($0) > 60' out.txt | grep -q . || fail "wider than COLUMNS"
run devices; no_out "$(printf '\033')"

# On a terminal: bold headings, unless NO_COLOR or TERM=dumb says no.
if command -v script >/dev/null; then
    on_terminal() { env "$@" script -qec "$NAS_PROGRAM devices" /dev/null >out.txt 2>err.txt </dev/null; }
    last="devices on a terminal"
    on_terminal TERM=xterm; expect_out "$(printf '\033[1m')"
    on_terminal TERM=xterm NO_COLOR=1; no_out "$(printf '\033')"
    on_terminal TERM=dumb; no_out "$(printf '\033')"
fi
