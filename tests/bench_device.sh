#!/bin/sh
# bench_device.sh PROGRAM - `clnas-bench device` measures every ceiling on the device at hand, in each format; no figure is judged, but all are
# there and above 0.  Exit code 77: there is no device.
set -eu
program=$1
"$program" device --repeats 2 --seconds 0 --format csv >device.csv 2>device.err || {
    [ $? -ne 3 ] || exit 77
    cat device.err
    exit 1
}
awk -F, '
    NR == 1 { if ($0 != "what,size,unit,median,lowest,highest,samples") { print "head: " $0; exit 1 } next }
    { rows[$1]++
      if (!($5 > 0 && $4 >= $5 && $6 >= $4 && $7 == 2)) { print "row: " $0; bad = 1 } }
    END {
        split("copy fma enqueue launch synchronise upload download profile", wanted, " ")
        for (i in wanted) if (!rows[wanted[i]]) { print "no " wanted[i]; bad = 1 }
        if (rows["fma"] != 3) { print rows["fma"] " widths"; bad = 1 }
        exit bad
    }' device.csv
"$program" device --repeats 1 --seconds 0 --format json >device.json
grep -q '"samples":\[' device.json
if "$program" device --repeats 0 2>device.err; then
    echo "--repeats 0 was taken"
    exit 1
fi
grep -q -- "--repeats 0: no such option or value" device.err
