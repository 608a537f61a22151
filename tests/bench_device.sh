#!/bin/sh
# bench_device.sh PROGRAM - `clnas-bench device` measures every ceiling on the device at hand, in each format; no figure is judged, but all are
# there and above 0.  Exit code 77: there is no device.
set -eu
program=$1
"$program" device --repeats 2 --milliseconds 0 --format csv >device.csv 2>device.err || {
    [ $? -ne 3 ] || exit 77
    cat device.err
    exit 1
}
awk -F, '
    NR == 1 { if ($0 != "what,size,median,lowest,highest,unit,samples") { print "head: " $0; exit 1 } next }
    { rows[$1]++
      if (!($4 > 0 && $3 >= $4 && $5 >= $3 && $7 == 2)) { print "row: " $0; bad = 1 } }
    END {
        split("copy fma enqueue launch synchronise upload download profile", wanted, " ")
        for (i in wanted) if (!rows[wanted[i]]) { print "no " wanted[i]; bad = 1 }
        if (rows["fma"] != 3) { print rows["fma"] " widths"; bad = 1 }
        exit bad
    }' device.csv
"$program" device --repeats 1 --milliseconds 0 --format json >device.json
grep -q '"samples": \[' device.json
for wrong in "--repeats 0" "--format xml" "--milliseconds"; do
    status=0
    "$program" device $wrong 2>device.err || status=$?
    [ $status -eq 2 ] || { echo "$wrong: exit code $status"; exit 1; }
done
grep -q "^usage: clnas-bench device" device.err
