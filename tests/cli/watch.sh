# `clnas status --watch`: on a terminal that is resized, stopped and taken away, in a pipe, of studies that end, are missing or replaced.
# No device is needed: a trial that was asked for is being worked on.
. "$(dirname "$0")/helper.sh"
command -v script >/dev/null || exit 77
unset LINES LC_ALL LC_CTYPE || true
export TERM=xterm LANG=C.UTF-8
limit_s=60
write_small_config
sed -i 's/trials = 4/trials = 2/' small.cfg

# ask STUDY|CONFIG: trial $trial with $token is being worked on, by this very process.
ask()
{
    run ask "$1" --pid $$; expect_code 0
    trial=$(sed -n 's/.*"trial": *\([0-9]*\).*/\1/p' out.txt | head -n 1)
    token=$(sed -n 's/.*"token": *\([0-9]*\).*/\1/p' out.txt | head -n 1)
}
tell() { run tell "small.study:$trial" --token "$token" valid_accuracy="$1"; expect_code 0; }

run status missing.study --watch; expect_code 5; expect_err "missing.study"
ask small.cfg
[ -f small.study ] || fail "no study"
run status small.study --watch --interval 0; expect_code 2; expect_err "interval"
run status small.study --watch --format csv; expect_code 2; expect_err "jsonl"

# wait_until FILE TEXT: it is written there within ten seconds.
wait_until()
{
    for try in $(seq 100); do
        grep -qF -- "$2" "$1" 2>/dev/null && return 0
        sleep 0.1
    done
    cp "$1" out.txt 2>/dev/null || true
    fail "'$2' does not come"
}
# in_terminal COMMAND…: a shell script in a terminal of 30 by 100, whose output is tty.txt; $clnas watches.  What the terminal was set to is
# before.txt and after.txt.
clnas="$NAS_PROGRAM status small.study --watch --interval 0.2"
in_terminal()
{
    last="status --watch, in a terminal"
    cat >inner.sh
    : >tty.txt
    script -qfec "stty rows 30 cols 100; stty -a >before.txt; sh inner.sh; stty -a >after.txt" tty.txt </dev/null >/dev/null 2>&1 ||
        fail "the terminal's script failed"
    cmp before.txt after.txt || fail "the terminal is not what it was"
}
# The screen is left as often as it was entered, and the cursor is there.
expect_left()
{
    cp tty.txt out.txt
    entered=$(tr '\033' '\n' <tty.txt | grep -c '^\[?1049h' || true)
    left=$(tr '\033' '\n' <tty.txt | grep -c '^\[?1049l' || true)
    [ "$entered" -ge 1 ] && [ "$entered" = "$left" ] || fail "the screen was entered $entered times and left $left times"
    [ "$(tr '\033' '\n' <tty.txt | grep '^\[?25[hl]' | tail -n 1 | cut -c1-5)" = '[?25h' ] || fail "the cursor is hidden"
}

# Signals end it, as they end any program; the terminal is what it was.
for signal in TERM HUP INT; do
    in_terminal <<END
(sleep 0.7; kill -$signal "\$(cat pid.txt)") &
sh -c 'echo \$\$ >pid.txt; exec $clnas'
echo "code \$?"
END
    expect_left
    grep -q "searching" tty.txt || fail "no screen"
    grep -q "running 1" tty.txt || fail "the trial does not run"
    case $signal in TERM) wanted=143 ;; INT) wanted=130 ;; HUP) wanted=129 ;; esac
    grep -q "code $wanted" tty.txt || fail "not ended by $signal"
done

# In the foreground: another size is drawn, ^Z gives the terminal back, q leaves.
cat >keys.sh <<'END'
sleep 0.7; stty rows 8 cols 50 <"$1"; sleep 0.7
pid=$(cat pid.txt); kill -TSTP "$pid"; sleep 0.5; stty -a <"$1" >stopped.txt; kill -CONT "$pid"; sleep 0.7
printf q >keys.fifo
END
mkfifo keys.fifo
exec 9<>keys.fifo
last="status --watch, with keys"
cat >inner.sh <<END
stty rows 30 cols 100; stty -a >before.txt
tty=\$(tty)
sh keys.sh "\$tty" &
sh -c 'echo \$\$ >pid.txt; exec $clnas'
echo "code \$?"
wait
stty rows 30 cols 100; stty -a >after.txt
END
timeout 30 script -qfec "sh inner.sh" tty.txt <keys.fifo >/dev/null 2>&1 || fail "it does not leave"
exec 9>&-
cmp before.txt after.txt || fail "the terminal is not what it was after keys"
grep -q "code 0" tty.txt || fail "q is no success"
expect_left
[ "$entered" = 2 ] || fail "the screen was entered $entered times, not before ^Z and after it"
grep -q -- "[^-]icanon" stopped.txt || fail "^Z leaves the keys as they were taken"
if command -v python3 >/dev/null; then
    # Every frame fits: 30 lines of 100 columns at first, 8 of 50 at the end.
    python3 - <<'END' || fail "a frame does not fit the terminal"
import re
text = open("tty.txt", encoding="utf-8", newline="").read()
frames = [re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", f).split("\r\n") for f in text.split("\x1b[H")[1:]]
assert len(frames) >= 6, len(frames)
sizes = [(len(f), max(len(line) for line in f)) for f in frames[:-1]]
assert all(rows <= 30 and columns <= 100 for rows, columns in sizes), sizes
assert sizes[-1][0] <= 8 and sizes[-1][1] <= 50, sizes
assert sizes[0][0] > 8 and sizes[0][1] > 50, sizes
END
fi

# No terminal, or one that cannot: lines, no escapes.
code=0; last="status --watch >file"
timeout 2 $clnas >out.txt 2>err.txt </dev/null || code=$?
expect_code 124; expect_out "searching: trials 0/2"
[ "$(wc -l <out.txt)" = 1 ] || fail "the same line again"
! grep -q "$(printf '\033')" out.txt err.txt || fail "escapes in a file"
# Nobody reads it any more, and SIGPIPE is ignored, as services have it: it ends.
for how in "" "--format jsonl --interval 0.1"; do
    last="status --watch $how | head"
    (trap '' PIPE; code=0; sleep 0.3; timeout 10 $clnas $how 2>pipe.err || code=$?; echo "$code" >pipe.code) </dev/null | { exec <&-; }
    [ "$(cat pipe.code)" = 1 ] && grep -q "writing to stdout failed" pipe.err || fail "code $(cat pipe.code): $(cat pipe.err)"
done
TERM=dumb in_terminal <<END
timeout 1 $clnas
END
! grep -q "$(printf '\033')" tty.txt || fail "escapes on a dumb terminal"
NO_COLOR=1 in_terminal <<END
timeout -s TERM --foreground 1 $clnas
END
! grep -q "$(printf '\033')\[[0-9;]*m" tty.txt || fail "colours in spite of NO_COLOR"

# JSON lines, while the study comes to its end; another one that takes its place is shown.
$clnas --format jsonl >lines.txt 2>lines.err &
watcher=$!
wait_until lines.txt '"searching"'
first=$trial:$token
ask small.study # before the first is told: where nobody works, the watch ends
second=$trial:$token trial=${first%:*} token=${first#*:}
tell 0.5
trial=${second%:*} token=${second#*:}
wait_until lines.txt '"done":1'
mv small.study away.study; for end in -wal -shm; do [ ! -e small.study$end ] || mv small.study$end away.study$end; done
wait_until lines.txt 'not there any more'
for end in "" -wal -shm; do [ ! -e away.study$end ] || mv away.study$end small.study$end; done
tell 0.75
code=0; wait $watcher || code=$?
cp lines.txt out.txt; last="status --watch --format jsonl"; expect_code 0
expect_jsonl study state done total best_value devices message
tail -n 1 lines.txt >out.txt
expect_json 'x["state"] == "ended" and x["done"] == 2 and x["best_value"] == 0.75 and x["ended_by"] == "2 trials" and x["message"] == ""'
expect_json 'x["best_network"] and "-" not in x["best_network"][:2]'

# An ended study is shown once, with what is left to do.
run status small.study --watch; expect_code 0; expect_out "ended by 2 trials"; expect_out "clnas resume small.study"
in_terminal <<END
$clnas; echo "code \$?"
END
grep -q "code 0" tty.txt || fail "an ended study is no success"
! grep -q "1049h" tty.txt || fail "a screen for what does not move"

# So is one that nobody works on.
sed 's/study = "small"/study = "other"/' small.cfg >other.cfg
run ask other.cfg --lease 1; expect_code 0
sleep 1.2
run status other.study --watch; expect_code 0; expect_out "stopped"; expect_out "clnas resume other.study"
